/* SPDX-License-Identifier: MIT */
#include "parent/play.h"

/* Slot 0 stops itself: its channel fills and it hears nothing. Slot 1 dies again and again meanwhile. */
int worker_main(const struct heritage *h)
{
	part_start(h);
	if (h->slot == 0)
		raise(SIGSTOP);
	if (h->slot == 1 && h->generation < 40) {
		usleep(1000);
		raise(SIGKILL);
	}
	return part_wait_for_drain(h);
}

static struct play play;

static void stopped_worker_cannot_hold_the_parent(void **state)
{
	play_prepare(&play, 2);
	play.config.options.restart_limit = 100;
	play.config.options.backoff_min_ms = play.config.options.backoff_max_ms = 60;
	play.config.options.drain_timeout_ms = 200;
	play_begin(&play);
	play_expect_times(&play, "killed by SIGKILL after", 40);
	play_expect(&play, "its listeners are lent to worker 0");
	play_expect_times(&play, "worker 1 (pid ", 80);
	play_signal(&play, SIGTERM);
	assert_true(play_end(&play, BROOD_EXIT_CUT) < 2000);
	play_expect(&play, "drain timed out after");
}

TEST_MAIN(stopped_worker_cannot_hold_the_parent)
