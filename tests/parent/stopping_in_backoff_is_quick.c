/* SPDX-License-Identifier: MIT */
#include "parent/play.h"

int worker_main(const struct heritage *h)
{
	if (h->slot == 1)
		return 3;
	part_start(h);
	return part_wait_for_drain(h);
}

static struct play play;

static void stopping_in_backoff_is_quick(void **state)
{
	play_prepare(&play, 2);
	play.config.options.backoff_min_ms = play.config.options.backoff_max_ms = 60000;
	play_begin(&play);
	play_expect(&play, "worker 1 (pid ");
	play_expect(&play, "exited with code 3 after");
	play_expect(&play, "worker 0 (pid ");
	play_signal(&play, SIGTERM);
	assert_true(play_end(&play, BROOD_EXIT_DRAINED) < 1500);
	play_expect(&play, "draining 1 worker,");
}

TEST_MAIN(stopping_in_backoff_is_quick)
