/* SPDX-License-Identifier: MIT */
#include "engine/probe.h"
#include "engine/engine.h"
#include "check.h"

#include <unistd.h>

int main(void)
{
	struct engine_report report;
	struct engine *engine;
	char why[160];

	if (engine_create(ENGINE_URING, &engine, why, sizeof(why)) < 0)
		skip(why);
	engine_destroy(engine);
	check_fds_begin();
	engine_probe(&report);
	check_equal(report.error, 0);
	check_equal(report.n_features, 10);
	for (unsigned i = 0; i < report.n_features; i++) {
		printf("%s: %d\n", report.features[i].name, report.features[i].error);
		check(report.features[i].optional || report.features[i].error == 0);
	}
	(void)engine_is_charged(geteuid());
	check_fds_end();
	return 0;
}
