/* SPDX-License-Identifier: MIT */
#include "parent/play.h"

/* The first worker reports its crash and then takes half a second to die. */
int worker_main(const struct heritage *h)
{
	struct crash_msg crash = { .signal = SIGABRT };

	part_start(h);
	if (h->generation > 0) {
		log_info("the next one serves");
		return part_wait_for_drain(h);
	}
	usleep(50000);
	(void)channel_send(h->channel_fd, CHANNEL_CRASH, &crash, -1);
	usleep(500000);
	log_info("the core is written");
	raise(SIGKILL);
	return 0;
}

static struct play play;

static void crash_is_replaced_before_the_core(void **state)
{
	play_prepare(&play, 1);
	play_begin(&play);
	play_expect_order(&play, "the next one serves", "the core is written");
	play_expect(&play, "died by SIGABRT after");
	play_expect_never(&play, "SIGKILL");
	play_signal(&play, SIGTERM);
	play_end(&play, BROOD_EXIT_DRAINED);
	assert_int_equal(play_count(&play, "died by"), 1);
}

TEST_MAIN(crash_is_replaced_before_the_core)
