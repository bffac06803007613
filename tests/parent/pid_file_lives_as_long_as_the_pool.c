/* SPDX-License-Identifier: MIT */
#include "parent/play.h"

int worker_main(const struct heritage *h)
{
	usleep(100000);
	part_start(h);
	return part_wait_for_drain(h);
}

static struct play play;

static void expect_pid_in(const char *path)
{
	FILE *file = fopen(path, "r");
	int pid = 0;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%d", &pid), 1);
	assert_int_equal(pid, play.parent);
	fclose(file);
}

static void pid_file_lives_as_long_as_the_pool(void **state)
{
	char dir[] = "/tmp/pid_file_test.XXXXXX";
	char path[64];

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/brood.pid", dir);
	play_prepare(&play, 1);
	play.config.options.pid_file = path;
	play_begin(&play);
	assert_int_equal(access(path, F_OK), -1);
	play_expect(&play, "ready: 1 worker");
	usleep(100000);
	expect_pid_in(path);
	play_signal(&play, SIGTERM);
	play_end(&play, BROOD_EXIT_DRAINED);
	assert_int_equal(rmdir(dir), 0);	/* and so it is empty */

	play_prepare(&play, 1);
	play.config.options.pid_file = path;
	play_begin(&play);
	play_end(&play, BROOD_EXIT_NOT_STARTED);
	play_expect(&play, "cannot start: /tmp/pid_file_test.");
	play_expect(&play, "brood.pid: No such file or directory");
	play_expect_never(&play, "worker");
}

TEST_MAIN(pid_file_lives_as_long_as_the_pool)
