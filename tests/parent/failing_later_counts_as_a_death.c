/* SPDX-License-Identifier: MIT */
#include "parent/play.h"

/* The pool was ready once; then slot 0 dies and its next workers cannot start. */
int worker_main(const struct heritage *h)
{
	struct failed_msg failed = { "out of luck" };

	if (h->generation > 0) {
		(void)channel_send(h->channel_fd, CHANNEL_FAILED, &failed, -1);
		return 1;
	}
	part_start(h);
	usleep(100000);
	return 0;
}

static struct play play;

static void failing_later_counts_as_a_death(void **state)
{
	play_prepare(&play, 1);
	play.config.options.restart_limit = 3;
	play_begin(&play);
	play_end(&play, BROOD_EXIT_GAVE_UP);
	play_expect(&play, "exited with code 0 after");
	play_expect(&play, "could not start: out of luck, after");
	play_expect(&play, "the last because it could not start: out of luck; draining the others");
	assert_int_equal(play_count(&play, "could not start: out of luck, after"), 3);
}

TEST_MAIN(failing_later_counts_as_a_death)
