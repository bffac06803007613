/* SPDX-License-Identifier: MIT */
#include "parent/play.h"

/* Each of the first two generations asks to go before it is ready. */
int worker_main(const struct heritage *h)
{
	if (h->generation < 2)
		part_retire(h, "born tired");
	part_start(h);
	return part_wait_for_drain(h);
}

static struct play play;

static void wish_before_readiness_is_kept(void **state)
{
	uint64_t began_ms = clock_ms();

	play_prepare(&play, 1);
	play.config.options.backoff_min_ms = 200;
	play_begin(&play);
	play_expect_times(&play, "retiring (born tired)", 2);
	play_expect_times(&play, "left after", 2);
	assert_true(clock_ms() - began_ms >= 400);	/* the wish of one just ready has to wait */
	play_signal(&play, SIGTERM);
	play_end(&play, BROOD_EXIT_DRAINED);
	play_expect_never(&play, "killed");
}

TEST_MAIN(wish_before_readiness_is_kept)
