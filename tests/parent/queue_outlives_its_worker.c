/* SPDX-License-Identifier: MIT */
#include "parent/play.h"

#define N_CLIENTS 20

/* The first worker never accepts and dies when told; the second answers all who wait. */
int worker_main(const struct heritage *h)
{
	int fd = part_start(h);

	if (h->generation == 0) {
		usleep(300000);
		raise(SIGKILL);
	}
	for (unsigned i = 0; i < N_CLIENTS; i++) {
		struct pollfd at = { .fd = fd, .events = POLLIN };
		int client;

		poll(&at, 1, PATIENCE_MS);
		client = accept(fd, NULL, NULL);
		if (client < 0 || write(client, "x", 1) != 1)
			return 9;
		close(client);
	}
	return part_wait_for_drain(h);
}

static struct play play;

static void queue_outlives_its_worker(void **state)
{
	int fds[N_CLIENTS];
	char byte;

	play_prepare(&play, 1);
	play_begin(&play);
	play_expect(&play, "ready: 1 worker");
	for (unsigned i = 0; i < N_CLIENTS; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(fds[i], &play.config.listen[0].any, play.config.listen[0].len), 0);
	}
	play_expect(&play, "killed by SIGKILL after");
	for (unsigned i = 0; i < N_CLIENTS; i++) {
		assert_int_equal(read(fds[i], &byte, 1), 1);
		close(fds[i]);
	}
	play_signal(&play, SIGTERM);
	play_end(&play, BROOD_EXIT_DRAINED);
}

TEST_MAIN(queue_outlives_its_worker)
