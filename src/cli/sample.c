/* SPDX-License-Identifier: MIT */
/* sample - what workers do in a moment, from two statuses: their requests a second and their part of a CPU */
#include "cli/ctl.h"

#include "base/clock.h"

#include <unistd.h>

#define MOMENT_US (300 * 1000)

static const json_t *worker_of(const json_t *slots, size_t i)
{
	return json_object_get(json_array_get(slots, i), "worker");
}

static void compare(const json_t *before, json_t *now, double elapsed_s)
{
	double requests = (double)(report_number(now, "requests") - report_number(before, "requests"));
	double cpu_s = json_number_value(json_object_get(now, "cpu_s")) -
		       json_number_value(json_object_get(before, "cpu_s"));

	if (report_number(before, "pid") != report_number(now, "pid") || requests < 0 || cpu_s < 0)
		return;
	(void)json_object_set_new(now, "requests_per_s", json_integer((json_int_t)(requests / elapsed_s + 0.5)));
	(void)json_object_set_new(now, "cpu_percent", json_integer((json_int_t)(cpu_s / elapsed_s * 100 + 0.5)));
}

json_t *sample_moment(struct talk *talk, json_t *status)
{
	uint64_t began_us = clock_us();
	const char *why;
	json_t *later;

	usleep(MOMENT_US);
	later = talk_ask(talk, json_pack("{s:s}", "command", "status"), &why);
	if (!json_is_true(json_object_get(later, "ok"))) {
		json_decref(later);
		return status;
	}
	for (size_t i = 0; i < json_array_size(json_object_get(later, "slots")); i++) {
		const json_t *now = worker_of(json_object_get(later, "slots"), i);

		if (json_is_object(now))
			compare(worker_of(json_object_get(status, "slots"), i), (json_t *)now,
				(double)(clock_us() - began_us) / 1e6);
	}
	json_decref(status);
	return later;
}
