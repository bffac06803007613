/* SPDX-License-Identifier: MIT */
#include "parent/play.h"

#define N_WORKERS 3
#define N_KILLS 150
#define N_DEATHS (N_KILLS / 2 + 1)		/* a busy machine is late with the dead, and they are killed again */

/* Takes a moment to start, and often wishes to go: so kills meet every step of a replacement. */
int worker_main(const struct heritage *h)
{
	srand((unsigned)getpid());
	usleep((unsigned)rand() % 8000);
	part_start(h);
	usleep((unsigned)rand() % 4000);
	if (rand() % 2)
		part_retire(h, "chance");
	while (part_hear(h).type != CHANNEL_DRAIN)
		;
	usleep((unsigned)rand() % 4000);
	return part_leave(h, 0);
}

static struct play play;

/* The children of the parent, read from /proc; some may have ended since. */
static unsigned list_children(pid_t pids[64])
{
	char path[64];
	unsigned n = 0;
	FILE *file;
	int pid;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)play.parent, (int)play.parent);
	file = fopen(path, "r");
	assert_non_null(file);
	while (n < 64 && fscanf(file, "%d", &pid) == 1)
		pids[n++] = pid;
	fclose(file);
	return n;
}

static void random_kills_leave_the_pool_whole(void **state)
{
	pid_t pids[64];

	play_prepare(&play, N_WORKERS);
	play.config.options.restart_limit = 10 * N_KILLS;
	play.config.options.backoff_min_ms = 1;
	play.config.options.backoff_max_ms = 5;
	play_begin(&play);
	play_expect(&play, "ready: 3 workers");
	srand(7);
	for (unsigned i = 0; i < N_KILLS || (i < 10 * N_KILLS && play_count(&play, "killed by SIGKILL") < N_DEATHS); i++) {
		unsigned n = list_children(pids);

		if (n > 0)
			kill(pids[(unsigned)rand() % n], SIGKILL);
		usleep((unsigned)rand() % 6000);
		play_read(&play, 0);
	}
	for (unsigned quiet = 0; quiet < 20; quiet++)	/* until, by chance, nobody wishes to go */
		if (play_read(&play, 50))
			quiet = 0;
	assert_int_equal(list_children(pids), N_WORKERS);
	play_signal(&play, SIGTERM);
	play_end(&play, BROOD_EXIT_DRAINED);
	play_expect_never(&play, "giveup");
	assert_true(play_count(&play, "killed by SIGKILL") >= N_DEATHS);
}

TEST_MAIN(random_kills_leave_the_pool_whole)
