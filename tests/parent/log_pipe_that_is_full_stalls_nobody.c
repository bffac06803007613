/* SPDX-License-Identifier: MIT */
#include "parent/play.h"

#include <sys/ioctl.h>

/* Keeps the parent logging: each asks to go as soon as it may. */
int worker_main(const struct heritage *h)
{
	part_start(h);
	part_retire(h, "a line for the log");
	return part_wait_for_drain(h);
}

static struct play play;

/* Nobody reads meanwhile. */
static bool parent_ends_within(unsigned ms, int *ret_status)
{
	for (; ms > 0; ms -= 10) {
		if (waitpid(play.parent, ret_status, WNOHANG) == play.parent)
			return true;
		usleep(10000);
	}
	return false;
}

static void log_pipe_that_is_full_stalls_nobody(void **state)
{
	int n_before, n_after, status;

	play_prepare(&play, 2);
	play.config.options.backoff_min_ms = 1;
	play_begin(&play);
	assert_true(fcntl(play.log_fd, F_SETPIPE_SZ, 4096) > 0);
	usleep(500000);
	assert_int_equal(ioctl(play.log_fd, FIONREAD, &n_before), 0);
	usleep(200000);
	assert_int_equal(ioctl(play.log_fd, FIONREAD, &n_after), 0);
	assert_int_equal(n_before, n_after);
	play_signal(&play, SIGTERM);
	assert_true(parent_ends_within(2000, &status));
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == BROOD_EXIT_DRAINED);
}

TEST_MAIN(log_pipe_that_is_full_stalls_nobody)
