/* SPDX-License-Identifier: MIT */
#include "parent/play.h"

/* Both of the first generation ask at once; a successor takes its time to start. */
int worker_main(const struct heritage *h)
{
	if (h->generation > 0) {
		log_info("a successor begins");
		usleep(100000);
		log_info("a successor has begun");
	}
	part_start(h);
	if (h->generation == 0)
		part_retire(h, "age");
	return part_wait_for_drain(h);
}

static struct play play;

static void two_retire_one_after_the_other(void **state)
{
	const char *second;

	play_prepare(&play, 2);
	play_begin(&play);
	play_expect(&play, "a successor begins");
	play_signal(&play, SIGUSR1);		/* anything that wakes the parent meanwhile */
	play_expect_times(&play, "left after", 2);
	second = strstr(strstr(play.log, "a successor begins") + 1, "a successor begins");
	assert_true(strstr(play.log, "a successor has begun") < second);
	assert_int_equal(play_count(&play, "retiring (age)"), 2);
	play_signal(&play, SIGINT);
	play_end(&play, BROOD_EXIT_DRAINED);
}

TEST_MAIN(two_retire_one_after_the_other)
