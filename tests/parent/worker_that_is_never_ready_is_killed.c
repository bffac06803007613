/* SPDX-License-Identifier: MIT */
#include "parent/play.h"

int worker_main(const struct heritage *h)
{
	if (h->generation == 0)
		part_stay_for_ever(h);
	part_start(h);
	return part_wait_for_drain(h);
}

static struct play play;

static void worker_that_is_never_ready_is_killed(void **state)
{
	play_prepare(&play, 1);
	play.config.options.start_timeout_ms = 200;
	play_begin(&play);
	play_expect(&play, "killed by SIGKILL (not ready within the start timeout) after");
	play_expect(&play, "before it was ready; restarting in");
	play_expect(&play, "ready: 1 worker on");
	play_signal(&play, SIGQUIT);
	play_end(&play, BROOD_EXIT_DRAINED);
}

TEST_MAIN(worker_that_is_never_ready_is_killed)
