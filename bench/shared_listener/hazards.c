/* SPDX-License-Identifier: MIT */
/*
 * shared_listener_hazards - what a dying and a busy worker do to connections that others could have served
 *
 *   lost          8 clients connect in the instant in which a worker is stopped, it is killed, the driver
 *                 accepts what the queue still has, the other workers (stopped before) go on. Who got no
 *                 byte is lost. Every worker is the victim three times; the worst counts.
 *   busy          one worker is busy with something else for 20 ms, the others sleep; connections come
 *                 one after the other. The longest wait counts, the worst over who is busy.
 *   other work    CPU time of a wake-up that has nothing to do with the listener, all pinned to one CPU.
 */
#include "shared_listener.h"

#include <err.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUSY_US 20000
#define DEATH_CLIENTS 8
#define DEATH_TRIES 3
#define POKES 5000

static void signal_others(const struct pool *pool, unsigned victim, int signal_number)
{
	for (unsigned i = 0; i < n_workers; i++)
		if (i != victim)
			kill(pool->pids[i], signal_number);
}

/* Accepts what is queued, as a replacement would. */
static void rescue_queue(const struct pool *pool)
{
	struct pollfd p = { .fd = pool->listen_fd, .events = POLLIN };

	while (poll(&p, 1, 0) == 1) {
		int fd = accept4(pool->listen_fd, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0 || send(fd, "x", 1, MSG_NOSIGNAL) < 0)
			err(1, "the queue");
		close(fd);
	}
}

static unsigned lost_with(const struct method *method, unsigned victim)
{
	struct pool pool;
	int fds[DEATH_CLIENTS];
	unsigned lost = 0;

	pool_start(&pool, method);
	signal_others(&pool, victim, SIGSTOP);
	pause_us(SETTLE_US);
	kill(pool.pids[victim], SIGSTOP);
	for (unsigned i = 0; i < DEATH_CLIENTS; i++)
		fds[i] = client_open(&pool, 0);
	pause_us(SETTLE_US);
	worker_end(pool.pids[victim]);
	pool.pids[victim] = 0;
	rescue_queue(&pool);
	signal_others(&pool, victim, SIGCONT);
	for (unsigned i = 0; i < DEATH_CLIENTS; i++) {
		lost += !client_served(fds[i], 100);
		close(fds[i]);
	}
	pool_stop(&pool);
	return lost;
}

unsigned worst_loss(const struct method *method)
{
	unsigned worst = 0;

	for (unsigned i = 0; i < DEATH_TRIES * n_workers; i++) {
		unsigned lost = lost_with(method, i % n_workers);

		worst = lost > worst ? lost : worst;
	}
	return worst;
}

static void poke(const struct seat *seat, uint64_t spin_us)
{
	uint64_t value = spin_us + 1;

	if (write(seat->poke_fd, &value, sizeof(value)) != sizeof(value))
		err(1, "poke");
}

static void await_answer(const struct seat *seat)
{
	uint64_t value;

	if (read(seat->answer_fd, &value, sizeof(value)) != sizeof(value))
		err(1, "answer");
}

/* Openings one after the other, each awaited. Return: the longest wait, in microseconds. */
static uint64_t longest_wait_us(const struct pool *pool)
{
	uint64_t longest_us = 0;

	for (unsigned i = 0; i < 2 * n_workers; i++) {
		uint64_t began_us = now_us();
		int fd = client_open(pool, 0);

		if (!client_served(fd, 1000))
			errx(1, "a connection was not served");
		close(fd);
		longest_us = now_us() - began_us > longest_us ? now_us() - began_us : longest_us;
	}
	return longest_us;
}

uint64_t wait_behind_busy_us(const struct method *method)
{
	struct pool pool;
	uint64_t worst_us = 0;

	pool_start(&pool, method);
	for (unsigned i = 0; i < n_workers; i++) {
		uint64_t us;

		poke(&pool.seats[i], BUSY_US);
		pause_us(1000);
		us = longest_wait_us(&pool);
		worst_us = us > worst_us ? us : worst_us;
		await_answer(&pool.seats[i]);
		pause_us(SETTLE_US);
	}
	pool_stop(&pool);
	return worst_us;
}

/* All on one CPU, because where the scheduler puts a waking worker costs more than what is measured. */
double other_work_us(const struct method *method)
{
	struct pool pool;
	cpu_set_t cpus;
	cpu_set_t usual;
	uint64_t cpu_ns;

	if (sched_getaffinity(0, sizeof(usual), &usual) < 0)
		err(1, "affinity");
	CPU_ZERO(&cpus);
	for (unsigned cpu = 0; !CPU_COUNT(&cpus); cpu++)
		if (CPU_ISSET(cpu, &usual))
			CPU_SET(cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) < 0)
		err(1, "affinity");
	pool_start(&pool, method);
	cpu_ns = pool_cpu_ns(&pool);
	for (unsigned i = 0; i < POKES; i++) {
		poke(&pool.seats[i % n_workers], 0);
		await_answer(&pool.seats[i % n_workers]);
	}
	pause_us(SETTLE_US);
	cpu_ns = pool_cpu_ns(&pool) - cpu_ns;
	pool_stop(&pool);
	if (sched_setaffinity(0, sizeof(usual), &usual) < 0)
		err(1, "affinity");
	return (double)cpu_ns / 1e3 / POKES;
}
