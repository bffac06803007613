/* SPDX-License-Identifier: MIT */
#include "parent/play.h"

/* Two successors die before they are ready, the third does not. */
int worker_main(const struct heritage *h)
{
	if (h->generation == 1 || h->generation == 2)
		return 7;
	part_start(h);
	if (h->generation == 0)
		part_retire(h, "age");
	while (part_hear(h).type != CHANNEL_DRAIN)
		;
	log_info("generation %u drains", h->generation);
	return part_leave(h, 0);
}

static struct play play;

static void successor_dies_and_the_old_one_goes_on(void **state)
{
	play_prepare(&play, 1);
	play_begin(&play);
	play_expect_times(&play, "before it was ready; restarting in", 2);
	play_expect_order(&play, "ready after", "generation 0 drains");
	play_expect(&play, "left after");
	play_signal(&play, SIGTERM);
	play_end(&play, BROOD_EXIT_DRAINED);
	play_expect(&play, "generation 3 drains");
	assert_int_equal(play_count(&play, "exited with code 7 after"), 2);
}

TEST_MAIN(successor_dies_and_the_old_one_goes_on)
