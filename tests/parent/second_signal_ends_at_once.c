/* SPDX-License-Identifier: MIT */
#include "parent/play.h"

/* One would drain for ever, one is told the second time and leaves with 4 cut. */
int worker_main(const struct heritage *h)
{
	part_start(h);
	if (h->slot == 0)
		part_stay_for_ever(h);
	while (part_hear(h).drain.timeout_ms > 0)
		;
	return part_leave(h, 4);
}

static struct play play;

static void second_signal_ends_at_once(void **state)
{
	play_prepare(&play, 2);
	play.config.options.drain_timeout_ms = 60000;
	play_begin(&play);
	play_expect(&play, "ready: 2 workers");
	play_signal(&play, SIGTERM);
	play_expect(&play, "SIGTERM: draining 2 workers, at most 60.0 s");
	usleep(50000);
	play_signal(&play, SIGINT);
	assert_true(play_end(&play, BROOD_EXIT_CUT) < 1000);
	play_expect(&play, "SIGINT again: ending at once");
	play_expect(&play, "ended at once: 4 connections cut");
}

TEST_MAIN(second_signal_ends_at_once)
