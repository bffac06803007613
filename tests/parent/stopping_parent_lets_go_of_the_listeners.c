/* SPDX-License-Identifier: MIT */
#include "parent/play.h"

/* Closes its listener when told to drain, and stays for a while. */
int worker_main(const struct heritage *h)
{
	int fd = part_start(h);

	while (part_hear(h).type != CHANNEL_DRAIN)
		;
	close(fd);
	log_info("closed");
	usleep(500000);
	return part_leave(h, 0);
}

static struct play play;

static void stopping_parent_lets_go_of_the_listeners(void **state)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	play_prepare(&play, 2);
	play_begin(&play);
	play_expect(&play, "ready: 2 workers");
	play_signal(&play, SIGTERM);
	play_expect_times(&play, "closed", 2);
	assert_int_equal(connect(fd, &play.config.listen[0].any, play.config.listen[0].len), -1);
	assert_int_equal(errno, ECONNREFUSED);
	assert_int_equal(kill(play.parent, 0), 0);
	close(fd);
	play_end(&play, BROOD_EXIT_DRAINED);
}

TEST_MAIN(stopping_parent_lets_go_of_the_listeners)
