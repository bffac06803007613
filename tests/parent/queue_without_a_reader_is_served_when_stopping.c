/* SPDX-License-Identifier: MIT */
#include "parent/play.h"

#define N_CLIENTS 16

static void answer_all(int fd)
{
	int client;

	while ((client = accept(fd, NULL, NULL)) >= 0) {
		(void)!write(client, "x", 1);
		close(client);
	}
}

/* Slot 0 accepts only when it is told to drain, and then from what it was lent, too. */
static int serve_late(const struct heritage *h, int own_fd)
{
	int lent_fd = -1;

	for (;;) {
		struct message m = part_hear(h);

		if (m.type == CHANNEL_LEND)
			lent_fd = m.fd;
		if (m.type != CHANNEL_DRAIN)
			continue;
		answer_all(own_fd);
		if (lent_fd >= 0)
			answer_all(lent_fd);
		return part_leave(h, 0);
	}
}

/* Slot 1 dies with clients in its queue; its next worker never becomes ready. */
int worker_main(const struct heritage *h)
{
	int fd;

	if (h->generation > 0)
		part_stay_for_ever(h);
	fd = part_start(h);
	if (h->slot == 0)
		return serve_late(h, fd);
	usleep(300000);
	raise(SIGKILL);
	return 0;
}

static struct play play;

static void queue_without_a_reader_is_served_when_stopping(void **state)
{
	int fds[N_CLIENTS];
	char byte;

	play_prepare(&play, 2);
	play.config.options.drain_timeout_ms = 500;
	play_begin(&play);
	play_expect(&play, "ready: 2 workers");
	for (unsigned i = 0; i < N_CLIENTS; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(fds[i], &play.config.listen[0].any, play.config.listen[0].len), 0);
	}
	play_expect(&play, "restarting now");
	play_signal(&play, SIGTERM);
	for (unsigned i = 0; i < N_CLIENTS; i++) {
		assert_int_equal(read(fds[i], &byte, 1), 1);
		close(fds[i]);
	}
	play_end(&play, BROOD_EXIT_DRAINED);
}

TEST_MAIN(queue_without_a_reader_is_served_when_stopping)
