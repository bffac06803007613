/* SPDX-License-Identifier: MIT */
#include "bridge/config.h"

#include "base/must.h"

const char *config_model_name(const struct config *config)
{
	static const char *const names[] = {
		[BROOD_REUSEPORT] = "reuseport",
		[BROOD_PREEMPTIVE] = "preemptive",
		[BROOD_ROUND_ROBIN] = "round-robin",
	};

	must(config->options.model <= BROOD_ROUND_ROBIN);
	return names[config->options.model];
}
