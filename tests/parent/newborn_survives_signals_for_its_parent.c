/* SPDX-License-Identifier: MIT */
#include "parent/play.h"

/* Gets every signal of its parent's before it has handlers of its own. */
int worker_main(const struct heritage *h)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU };

	for (unsigned i = 0; i < ARRAY_LEN(numbers); i++)
		raise(numbers[i]);
	part_start(h);
	return part_wait_for_drain(h);
}

static struct play play;

static void newborn_survives_signals_for_its_parent(void **state)
{
	play_prepare(&play, 1);
	play_begin(&play);
	play_expect(&play, "ready: 1 worker");
	play_signal(&play, SIGTERM);
	play_end(&play, BROOD_EXIT_DRAINED);
	play_expect_never(&play, "killed");
}

TEST_MAIN(newborn_survives_signals_for_its_parent)
