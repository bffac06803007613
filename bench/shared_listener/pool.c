/* SPDX-License-Identifier: MIT */
/*
 * shared_listener_pool - worker processes on one listener, and the clients that come to it
 */
#include "shared_listener.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

unsigned n_workers = 4;
uint16_t port = 33900;
static struct tally *tallies;

void pause_us(unsigned us)
{
	struct timespec t = { us / 1000000, us % 1000000 * 1000L };

	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void tallies_init(void)
{
	tallies = mmap(NULL, SHARED_WORKERS_MAX * sizeof(*tallies), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (tallies == MAP_FAILED)
		err(1, "memory");
}

static void listen_open(struct pool *pool, int blocking)
{
	int one = 1;

	pool->address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port),
					      .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	pool->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | (blocking ? 0 : SOCK_NONBLOCK), 0);
	if (pool->listen_fd < 0 ||
	    setsockopt(pool->listen_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(pool->listen_fd, (struct sockaddr *)&pool->address, sizeof(pool->address)) < 0 ||
	    listen(pool->listen_fd, 4096) < 0)
		err(1, "port %u", port);
}

static pid_t worker_start(const struct seat *seat, const struct method *method)
{
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	method->run(seat);
	_exit(1);
}

static int eventfd_open(void)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	if (fd < 0)
		err(1, "eventfd");
	return fd;
}

void pool_start(struct pool *pool, const struct method *method)
{
	listen_open(pool, method->blocking);
	memset(tallies, 0, n_workers * sizeof(*tallies));
	for (unsigned i = 0; i < n_workers; i++) {
		pool->seats[i] = (struct seat){ .listen_fd = pool->listen_fd, .poke_fd = eventfd_open(),
						.answer_fd = eventfd_open(), .tally = &tallies[i] };
		pool->pids[i] = worker_start(&pool->seats[i], method);
	}
	pause_us(SETTLE_US);
}

void worker_end(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	if (waitpid(pid, &status, 0) == pid && WIFEXITED(status))
		errx(1, "a worker gave up");
}

void pool_stop(struct pool *pool)
{
	for (unsigned i = 0; i < n_workers; i++) {
		if (pool->pids[i])
			worker_end(pool->pids[i]);
		close(pool->seats[i].poke_fd);
		close(pool->seats[i].answer_fd);
	}
	close(pool->listen_fd);
	pause_us(SETTLE_US);			/* a dead ring lets go of the listener a little later */
}

static uint64_t worker_cpu_ns(pid_t pid)
{
	unsigned long long ns = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%llu", &ns) != 1)
		errx(1, "cannot read %s", path);
	fclose(f);
	return ns;
}

uint64_t pool_cpu_ns(const struct pool *pool)
{
	uint64_t ns = 0;

	for (unsigned i = 0; i < n_workers; i++)
		ns += worker_cpu_ns(pool->pids[i]);
	return ns;
}

int client_open(const struct pool *pool, int flags)
{
	struct linger reset = { 1, 0 };		/* leaves no TIME_WAIT to run out of ports with */
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) < 0)
		err(1, "socket");
	if (connect(fd, (const struct sockaddr *)&pool->address, sizeof(pool->address)) < 0 &&
	    errno != EINPROGRESS)
		err(1, "connect");
	return fd;
}

int client_served(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char byte;

	return poll(&p, 1, timeout_ms) == 1 && recv(fd, &byte, 1, MSG_DONTWAIT) == 1;
}
