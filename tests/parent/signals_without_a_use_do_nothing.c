/* SPDX-License-Identifier: MIT */
#include "parent/play.h"

int worker_main(const struct heritage *h)
{
	part_start(h);
	return part_wait_for_drain(h);
}

static struct play play;

static void signals_without_a_use_do_nothing(void **state)
{
	static const int numbers[] = { SIGUSR1, SIGUSR2, SIGPIPE, SIGCHLD };

	play_prepare(&play, 2);
	play_begin(&play);
	play_expect(&play, "ready: 2 workers");
	srand(1);
	for (unsigned i = 0; i < 1000; i++)
		play_signal(&play, numbers[(unsigned)rand() % ARRAY_LEN(numbers)]);
	play_expect(&play, "SIGUSR1: there is no log file to open again");
	play_signal(&play, SIGTERM);
	play_end(&play, BROOD_EXIT_DRAINED);
	play_expect_never(&play, "restarting");
}

TEST_MAIN(signals_without_a_use_do_nothing)
