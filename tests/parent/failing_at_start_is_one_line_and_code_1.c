/* SPDX-License-Identifier: MIT */
#include "parent/play.h"

/* One starts well, the others cannot. */
int worker_main(const struct heritage *h)
{
	struct failed_msg failed = { "no such\nhandler" };

	if (h->slot == 0) {
		part_start(h);
		return part_wait_for_drain(h);
	}
	(void)channel_send(h->channel_fd, CHANNEL_FAILED, &failed, -1);
	return 1;
}

static struct play play;

static void failing_at_start_is_one_line_and_code_1(void **state)
{
	play_prepare(&play, 3);
	play_begin(&play);
	assert_true(play_end(&play, BROOD_EXIT_NOT_STARTED) < 1000);
	play_expect(&play, "cannot start: no such\\nhandler\n");
	assert_int_equal(play_count(&play, "cannot start"), 1);
	play_expect_never(&play, "restarting");
	play_expect_never(&play, "drained");
}

TEST_MAIN(failing_at_start_is_one_line_and_code_1)
