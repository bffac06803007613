/* SPDX-License-Identifier: MIT */
#include "parent/play.h"

#include "base/auto.h"

#define N_SEEDS 12

int worker_main(const struct heritage *h)
{
	usleep((unsigned)getpid() * 7919u % 5000);
	part_start(h);
	return part_wait_for_drain(h);
}

static struct play play;

/* Signals that stop come late in the list, so that the others get their chance before. */
static void send_signals(unsigned seed)
{
	static const int numbers[] = { SIGHUP, SIGCHLD, SIGUSR1, SIGTTIN, SIGPIPE, SIGCONT, SIGTERM, SIGINT };

	srand(seed);
	usleep((unsigned)rand() % 10000);
	for (unsigned i = 0; i < 80; i++) {
		size_t n = i < 40 ? ARRAY_LEN(numbers) - 2 : ARRAY_LEN(numbers);

		kill(play.parent, numbers[(unsigned)rand() % n]);
		usleep((unsigned)rand() % 200);
	}
	kill(play.parent, SIGTERM);
}

static void random_signals_end_cleanly(void **state)
{
	for (unsigned seed = 1; seed <= N_SEEDS; seed++) {
		play_prepare(&play, 2);
		play.hunted = true;
		play_begin(&play);
		while (!strstr(play.log, "ready") && play_read(&play, PATIENCE_MS))
			;
		send_signals(seed);
		play_end(&play, BROOD_EXIT_DRAINED);
		play_expect_never(&play, "restarting");
	}
}

TEST_MAIN(random_signals_end_cleanly)
