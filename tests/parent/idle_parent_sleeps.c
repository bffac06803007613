/* SPDX-License-Identifier: MIT */
#include "parent/play.h"

int worker_main(const struct heritage *h)
{
	part_start(h);
	return part_wait_for_drain(h);
}

static struct play play;

static unsigned long n_wakes(pid_t pid)
{
	char path[64], line[256];
	unsigned long n = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		sscanf(line, "voluntary_ctxt_switches: %lu", &n);
	fclose(file);
	return n;
}

static void idle_parent_sleeps(void **state)
{
	unsigned long before;

	play_prepare(&play, 2);
	play_begin(&play);
	play_expect(&play, "ready: 2 workers");
	usleep(300000);
	before = n_wakes(play.parent);
	sleep(2);
	assert_int_equal(n_wakes(play.parent), before);
	play_signal(&play, SIGTERM);
	play_end(&play, BROOD_EXIT_DRAINED);
}

TEST_MAIN(idle_parent_sleeps)
