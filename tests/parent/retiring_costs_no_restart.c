/* SPDX-License-Identifier: MIT */
#include "parent/play.h"

#define N_TIMES 12

int worker_main(const struct heritage *h)
{
	part_start(h);
	if (h->generation < N_TIMES)
		part_retire(h, "");
	return part_wait_for_drain(h);
}

static struct play play;

static void retiring_costs_no_restart(void **state)
{
	play_prepare(&play, 1);
	play.config.options.restart_limit = 1;
	play.config.options.backoff_min_ms = 1;
	play_begin(&play);
	play_expect_times(&play, "retiring (no reason given)", N_TIMES);
	play_expect_times(&play, "left after", N_TIMES);
	play_signal(&play, SIGTERM);
	play_end(&play, BROOD_EXIT_DRAINED);
}

TEST_MAIN(retiring_costs_no_restart)
