/* SPDX-License-Identifier: MIT */
#include "parent/play.h"

int worker_main(const struct heritage *h)
{
	part_start(h);
	part_stay_for_ever(h);
}

static struct play play;

static void second_signal_that_cuts_nothing_is_code_0(void **state)
{
	play_prepare(&play, 2);
	play.config.options.drain_timeout_ms = 60000;
	play_begin(&play);
	play_expect(&play, "ready: 2 workers");
	play_signal(&play, SIGTERM);
	play_expect(&play, "draining 2 workers");
	play_signal(&play, SIGTERM);
	assert_true(play_end(&play, BROOD_EXIT_DRAINED) < 1000);
}

TEST_MAIN(second_signal_that_cuts_nothing_is_code_0)
