/* SPDX-License-Identifier: MIT */
/*
 * shared_listener_patterns - who got the connections, after how many wake-ups, for how much CPU time
 *
 *   one by one    a connection every 0.4 ms, when all are asleep
 *   bursts of 4   four at a time
 *   churn         a client holds 64 connections, each opened, answered with a byte, closed
 */
#include "shared_listener.h"

#include <err.h>
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHURN_CONNECTIONS 64
#define SINGLE_OPENINGS 100

unsigned churn_ms = 1000;

static void open_in_bursts(const struct pool *pool, unsigned burst, unsigned gap_us)
{
	int fds[4];

	for (unsigned i = 0; i < SINGLE_OPENINGS; i++) {
		for (unsigned j = 0; j < burst; j++)
			fds[j] = client_open(pool, 0);
		pause_us(gap_us);
		for (unsigned j = 0; j < burst; j++) {
			if (!client_served(fds[j], 1000))
				errx(1, "a connection was not served");
			close(fds[j]);
		}
	}
}

static void churn_add(const struct pool *pool, int epoll_fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = client_open(pool, SOCK_NONBLOCK) };

	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, event.data.fd, &event) < 0)
		err(1, "epoll_ctl");
}

/* Return: whether the connection is over. */
static int churn_step(int fd)
{
	char bytes[8];
	ssize_t n = recv(fd, bytes, sizeof(bytes), 0);

	if (n < 0 && errno != EAGAIN)
		err(1, "recv");
	if (n != 0)
		return 0;			/* the end is still to come */
	close(fd);
	return 1;
}

static void churn(const struct pool *pool)
{
	struct epoll_event events[CHURN_CONNECTIONS];
	uint64_t end_us = now_us() + churn_ms * 1000ull;
	int open = CHURN_CONNECTIONS;
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);

	for (int i = 0; i < open; i++)
		churn_add(pool, epoll_fd);
	while (open > 0) {
		int n = epoll_wait(epoll_fd, events, CHURN_CONNECTIONS, 1000);

		if (n <= 0)
			errx(1, "no connection was served for a second");
		for (int i = 0; i < n; i++) {
			if (!churn_step(events[i].data.fd))
				continue;
			if (now_us() < end_us)
				churn_add(pool, epoll_fd);
			else
				open--;
		}
	}
	close(epoll_fd);
}

static void run_in_child(const struct pool *pool, enum pattern pattern)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		if (pattern == CHURN)
			churn(pool);
		else
			open_in_bursts(pool, pattern == BURSTS ? 4 : 1, pattern == BURSTS ? 600 : 400);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || status != 0)
		errx(1, "the client failed");
}

void measure(const struct method *method, enum pattern pattern, struct result *ret_result)
{
	struct pool pool;
	uint64_t cpu_ns;
	uint64_t n = 0;

	pool_start(&pool, method);
	cpu_ns = pool_cpu_ns(&pool);
	run_in_child(&pool, pattern);
	pause_us(SETTLE_US);
	cpu_ns = pool_cpu_ns(&pool) - cpu_ns;
	for (unsigned i = 0; i < n_workers; i++) {
		ret_result->connections[i] = pool.seats[i].tally->connections;
		ret_result->wakeups[i] = pool.seats[i].tally->wakeups;
		n += pool.seats[i].tally->connections;
	}
	ret_result->cpu_us = (double)cpu_ns / 1e3 / (double)n;
	pool_stop(&pool);
}
