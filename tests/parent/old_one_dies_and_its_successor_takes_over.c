/* SPDX-License-Identifier: MIT */
#include "parent/play.h"

/* The old worker dies while its successor is still starting. */
int worker_main(const struct heritage *h)
{
	if (h->generation > 0)
		usleep(300000);
	part_start(h);
	if (h->generation > 0)
		return part_wait_for_drain(h);
	part_retire(h, "age");
	while (part_hear(h).type != CHANNEL_ACK)
		;
	usleep(100000);
	raise(SIGKILL);
	return 0;
}

static struct play play;

static void old_one_dies_and_its_successor_takes_over(void **state)
{
	play_prepare(&play, 1);
	play_begin(&play);
	play_expect(&play, "killed by SIGKILL after");
	play_expect(&play, "; its replacement (pid ");
	play_expect_times(&play, "ready after", 2);
	play_signal(&play, SIGTERM);
	play_end(&play, BROOD_EXIT_DRAINED);
	play_expect_never(&play, "restarting");
}

TEST_MAIN(old_one_dies_and_its_successor_takes_over)
