/* SPDX-License-Identifier: MIT */
/* The program in the kernel, over sockets of its own: who has the fewest gets the next, in a burst as well. */
#include "check.h"

#include "balance/least.h"
#include "base/address.h"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define N 8
#define CONNECTIONS 64
#define INDEX 1				/* not the first of the addresses */

static struct address address;
static struct least *least;
static int listen_fd[N];
static int client[CONNECTIONS];
static int taken[N][CONNECTIONS];
static unsigned n_taken[N];

static void begin(unsigned slot)
{
	listen_fd[slot] = address_bind(&address, true);
	check(listen_fd[slot] >= 0);
	check_equal(listen(listen_fd[slot], 256), 0);
	check_equal(getsockname(listen_fd[slot], &address.any, &address.len), 0);
	check_equal(least_join(least, INDEX, slot, listen_fd[slot]), 0);
	least_assign(least, slot, slot + 100, 0);
	least_open(least, slot, true);
}

static int dial(int flags)
{
	int fd = socket(AF_INET, SOCK_STREAM | flags, 0);

	check(connect(fd, &address.any, address.len) == 0 || flags);
	return fd;
}

static void dial_all(unsigned n, int flags)
{
	for (unsigned i = 0; i < n; i++)
		client[i] = dial(flags);
	usleep(20000);
}

/* Takes what is queued. Return: how many more it were. */
static unsigned take(unsigned slot)
{
	unsigned n = 0;
	int fd;

	while ((fd = accept4(listen_fd[slot], NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		taken[slot][n_taken[slot]++] = fd;
		n++;
	}
	return n;
}

/* The worker of @slot is done with @n of its connections, and says so. */
static void settle(unsigned slot, unsigned n)
{
	for (; n > 0; n--)
		close(taken[slot][--n_taken[slot]]);
}

static void publish(unsigned slot, unsigned n)
{
	settle(slot, n);
	*least_settled(least, slot + 100) += n;
}

static void hang_up(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		close(client[i]);
	for (unsigned i = 0; i < N; i++) {
		take(i);
		publish(i, n_taken[i]);
		check_equal(least_load(least, i), 0);
	}
}

static void expect_equal_shares(int flags)
{
	for (int round = 0; round < 20; round++) {
		dial_all(CONNECTIONS, flags);
		for (unsigned i = 0; i < N; i++)
			check_equal(take(i), CONNECTIONS / N);
		hang_up(CONNECTIONS);
	}
}

static void expect_equal_shares_of_several_clients(void)
{
	pid_t pid[4];
	int ready[2];
	char byte;

	check_equal(pipe(ready), 0);
	for (unsigned i = 0; i < 4; i++) {
		pid[i] = fork();
		if (pid[i] == 0) {
			check_equal(read(ready[0], &byte, 1), 1);
			dial_all(CONNECTIONS / 4, SOCK_NONBLOCK);
			_exit(0);
		}
	}
	check_equal(write(ready[1], "go!!", 4), 4);
	for (unsigned i = 0; i < 4; i++)
		waitpid(pid[i], NULL, 0);
	for (unsigned i = 0; i < N; i++)
		check_equal(take(i), CONNECTIONS / N);
	hang_up(0);
}

static void expect_the_freed_to_be_chosen(void)
{
	dial_all(CONNECTIONS, 0);
	for (unsigned i = 0; i < N; i++)
		take(i);
	publish(5, 3);
	check_equal(least_load(least, 5), CONNECTIONS / N - 3);
	dial_all(3, 0);
	check_equal(take(5), 3);
	hang_up(0);
}

static void expect_the_closed_to_be_left_out(void)
{
	least_open(least, 2, false);
	dial_all(CONNECTIONS, 0);
	check_equal(take(2), 0);
	hang_up(CONNECTIONS);
	for (unsigned i = 0; i < N; i++)
		least_open(least, i, false);
	dial_all(CONNECTIONS, 0);	/* as the hash falls, and nobody is refused */
	for (unsigned i = 0; i < N; i++) {
		take(i);
		check_equal(least_load(least, i), 0);
		settle(i, n_taken[i]);
		least_open(least, i, true);
	}
	for (unsigned i = 0; i < CONNECTIONS; i++)
		close(client[i]);
}

/* What a client still sends to one that is closed belongs to no connection, and is none. */
static void expect_strays_not_to_count(void)
{
	static char much[1 << 20];

	dial_all(CONNECTIONS, 0);
	for (unsigned i = 0; i < N; i++)
		publish(i, take(i));
	for (unsigned i = 0; i < CONNECTIONS; i++)
		check(send(client[i], much, sizeof(much), MSG_DONTWAIT | MSG_NOSIGNAL) > 0);
	hang_up(CONNECTIONS);
}

/* Of a process that says it ended more than it had, and of one that was given what never came. */
static void expect_lies_to_be_corrected(void)
{
	publish(3, 0);
	*least_settled(least, 103) = UINT64_MAX / 2;
	dial_all(4, 0);
	check_equal(take(3), 4);	/* who makes itself look free gets it all */
	settle(3, 4);
	least_assign(least, 3, 103, 7);
	check_equal(least_load(least, 3), 7);
	*least_settled(least, 103) += 7 + (1ull << 63);
	check(least_load(least, 3) == INT64_MIN);
	least_assign(least, 3, 103, 7);
	check_equal(least_load(least, 3), 7);
	least_correct(least, 3, -7);
	check_equal(least_load(least, 3), 0);
	for (unsigned i = 0; i < 4; i++)
		close(client[i]);
}

/* What was queued for a listener that is closed goes to others, whatever tcp_migrate_req says. */
static void expect_queues_to_move(void)
{
	unsigned n = 0;

	dial_all(CONNECTIONS, 0);
	close(listen_fd[0]);
	for (unsigned i = 1; i < N; i++)
		n += take(i);
	check_equal(n, CONNECTIONS);
	listen_fd[0] = -1;
	dial_all(CONNECTIONS, 0);	/* slot 0 is still open, and has no listener: nobody is refused */
	for (unsigned i = 1; i < N; i++)
		n += take(i);
	check_equal(n, 2 * CONNECTIONS);
}

int main(void)
{
	char why[128];
	int r = least_create(&least, why, sizeof(why));

	if (r < 0)
		skip(why);
	check_equal(address_parse("127.0.0.1:0", &address), 0);
	for (unsigned i = 0; i < N; i++)
		begin(i);
	least_resize(least, N);
	check_equal(least_attach(least, INDEX, listen_fd[3]), 0);
	expect_equal_shares(0);
	expect_equal_shares(SOCK_NONBLOCK);
	expect_equal_shares_of_several_clients();
	expect_the_freed_to_be_chosen();
	expect_the_closed_to_be_left_out();
	expect_strays_not_to_count();
	expect_lies_to_be_corrected();
	expect_queues_to_move();
	least_destroy(least);
	return 0;
}
