/* SPDX-License-Identifier: MIT */
/* A queue of N tickets takes N and not one more, outlives both sides, and gives out only what is a ticket. */
#include "bridge/ticket.h"
#include "bridge/wire.h"

#include <fcntl.h>
#include <sys/wait.h>

static void fill(int give_fd, const int pair[2], unsigned n)
{
	struct ticket ticket = { .deadline_ms = 7, .name = "work" };

	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(ticket_n_queued(give_fd), i);
		assert_int_equal(ticket_give(give_fd, &ticket, pair[1]), 0);
	}
	assert_int_equal(ticket_give(give_fd, &ticket, pair[1]), -EAGAIN);
	assert_int_equal(ticket_n_queued(give_fd), n);
}

static void empty(int take_fd, unsigned n)
{
	struct ticket ticket;
	int fd;

	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(ticket_take(take_fd, &ticket, &fd), 0);
		assert_string_equal(ticket.name, "work");
		assert_int_equal(ticket.deadline_ms, 7);
		assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		close(fd);
	}
	assert_int_equal(ticket_take(take_fd, &ticket, &fd), -EAGAIN);
}

static void exactly_so_many(void **state)
{
	static const unsigned sizes[] = { 8, 9, 100, 256 };
	int ends[2], pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		assert_int_equal(ticket_queue(sizes[i], ends), sizes[i]);
		fill(ends[0], pair, sizes[i]);
		empty(ends[1], sizes[i]);
		fill(ends[0], pair, sizes[i]);
		close(ends[0]);
		close(ends[1]);
	}
	close(pair[0]);
	close(pair[1]);
}

/* What a dead process gave waits on; what it took is seen by the other end. */
static void death_is_seen(void **state)
{
	struct ticket ticket = { .name = "work" };
	int ends[2], pair[2], fd, status;
	char byte;

	assert_true(ticket_queue(8, ends) == 8);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	if (fork() == 0)
		_exit(ticket_give(ends[0], &ticket, pair[1]) < 0);
	wait(&status);
	assert_int_equal(status, 0);
	close(pair[1]);
	assert_int_equal(read(pair[0], &byte, 1), -1);
	if (fork() == 0)
		_exit(ticket_take(ends[1], &ticket, &fd) < 0);
	wait(&status);
	assert_int_equal(status, 0);
	assert_int_equal(read(pair[0], &byte, 1), 0);
	close(pair[0]);
	close(ends[0]);
	close(ends[1]);
}

static void nothing_else(void **state)
{
	struct ticket ticket = { .name = "work" };
	int ends[2], fd = -1;

	assert_true(ticket_queue(8, ends) == 8);
	assert_int_equal(send(ends[0], &ticket, sizeof(ticket), 0), sizeof(ticket));	/* without a descriptor */
	assert_int_equal(ticket_take(ends[1], &ticket, &fd), -EPROTO);
	assert_int_equal(send(ends[0], "x", 1, 0), 1);
	assert_int_equal(ticket_take(ends[1], &ticket, &fd), -EPROTO);
	assert_int_equal(fd, -1);
	close(ends[0]);
	assert_int_equal(ticket_take(ends[1], &ticket, &fd), -EPIPE);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exactly_so_many), cmocka_unit_test(death_is_seen), cmocka_unit_test(nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
