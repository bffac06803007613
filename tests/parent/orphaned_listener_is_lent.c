/* SPDX-License-Identifier: MIT */
#include "parent/play.h"

#define N_CLIENTS 32

/* Answers with one byte on every listener it has. */
static void serve(const struct heritage *h, int own_fd)
{
	struct pollfd at[3] = { { h->channel_fd, POLLIN, 0 }, { own_fd, POLLIN, 0 }, { -1, POLLIN, 0 } };
	struct message m;

	while (poll(at, 3, -1) > 0) {
		for (int i = 1; i < 3; i++) {
			int fd = at[i].revents ? accept(at[i].fd, NULL, NULL) : -1;

			if (fd >= 0) {
				(void)!write(fd, "x", 1);
				close(fd);
			}
		}
		if (!at[0].revents || channel_receive(h->channel_fd, FROM_PARENT, &m) != 1)
			continue;
		if (m.type == CHANNEL_DRAIN)
			return;
		if (m.type == CHANNEL_ACCEPT)
			continue;
		at[2].fd = m.type == CHANNEL_LEND ? m.fd : -1;
		log_info(m.type == CHANNEL_LEND ? "borrowed of %u" : "returned to %u", m.lend.slot);
	}
}

/* Slot 1 loses two workers in a row and so waits; a third one comes. */
int worker_main(const struct heritage *h)
{
	int fd = part_start(h);

	if (h->slot == 1 && h->generation < 2) {
		usleep(h->generation == 0 ? 200000 : 0);
		raise(SIGKILL);
	}
	serve(h, fd);
	return part_leave(h, 0);
}

static struct play play;

static void expect_answer(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct pollfd at = { .fd = fd, .events = POLLIN };
	char byte;

	assert_int_equal(connect(fd, &play.config.listen[0].any, play.config.listen[0].len), 0);
	assert_int_equal(poll(&at, 1, PATIENCE_MS), 1);
	assert_int_equal(read(fd, &byte, 1), 1);
	close(fd);
}

static void orphaned_listener_is_lent(void **state)
{
	play_prepare(&play, 2);
	play.config.options.backoff_min_ms = play.config.options.backoff_max_ms = 1500;
	play_begin(&play);
	play_expect(&play, "restarting in");
	for (unsigned i = 0; i < N_CLIENTS; i++)
		expect_answer();
	while (play_read(&play, 0))
		;
	play_expect_never(&play, "returned to");
	play_expect_order(&play, "borrowed of 1", "returned to 1");
	for (unsigned i = 0; i < N_CLIENTS; i++)
		expect_answer();
	play_signal(&play, SIGTERM);
	play_end(&play, BROOD_EXIT_DRAINED);
}

TEST_MAIN(orphaned_listener_is_lent)
