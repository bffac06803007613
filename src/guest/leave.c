/* SPDX-License-Identifier: MIT */
/*
 * leave - the program goes without a connection being lost that it has not been given
 *
 * A listener that somebody inherits needs nothing: the program gets its stop signal, closes its duplicate, and what
 * is queued is the next one's. As the last holder, while the program knows nothing yet and goes on accepting, we
 * refuse new handshakes, wait for those begun, and see the queue empty; then comes the signal. What the program
 * does with the connections it has is its own affair until the drain timeout; then it is killed, with all it has
 * started.
 *
 * Fails by: a program that does not accept; then it gets its signal after half of the time, and what is queued is
 * reset.
 */
#include "guest/room.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#define HANDSHAKES_MS	1000	/* for those begun */
#define QUEUE_LOOK_MS	5

static bool is_last(const struct keeper *k, unsigned index)
{
	return k->leaving.last >> index & 1;
}

static void finish(struct keeper *k)
{
	k->drained = true;
	k->over = true;
}

static void cut(struct keeper *k)
{
	uint16_t ports[LISTENERS_MAX];
	uint32_t n;

	n = config_ports(k->config, ports);
	n = family_n_sockets(ports, n, 1 << TCP_ESTABLISHED);
	k->n_cut = n > 0 ? n : 1;	/* it was not done, whatever it had to do */
	finish(k);
}

/* To a shell and what it has started, because the shell would not pass it on. */
static void tell_program(struct keeper *k)
{
	int number = (int)k->config->options.stop_signal;

	k->leaving.emptying = false;
	k->leaving.told = true;
	if (k->config->options.shell) {
		family_signal(number);
		family_signal(SIGCONT);
	} else {
		kill(k->pid, number);
		kill(k->pid, SIGCONT);
	}
}

static bool begin_emptying(struct keeper *k)
{
	unsigned n = 0;

	for (unsigned i = 0; i < k->config->n_listeners; i++) {
		if (!is_last(k, i))
			continue;
		handshakes_refuse(k->listen_fd[i]);
		n++;
	}
	handshakes_begin(&k->leaving.handshakes, k->now_ms, k->now_ms + HANDSHAKES_MS);
	return n > 0;
}

static void shorten(struct keeper *k, uint64_t deadline_ms)
{
	if (deadline_ms < k->leaving.deadline_ms)
		k->leaving.deadline_ms = deadline_ms;
}

void leave_begin(struct keeper *k, uint32_t timeout_ms, uint32_t last)
{
	struct leaving *l = &k->leaving;

	if (l->on) {	/* a second order can only shorten the time */
		shorten(k, k->now_ms + timeout_ms);
		return;
	}
	*l = (struct leaving){
		.on = true,
		.last = last,
		.deadline_ms = k->now_ms + timeout_ms,
		.told_ms = k->now_ms + timeout_ms / 2,
	};
	talk_tell(k, "disconnect");
	if (k->pid == 0)
		finish(k);
	else if (timeout_ms == 0)
		cut(k);
	else if (k->phase == PHASE_SERVING && begin_emptying(k))
		l->emptying = true;
	else
		tell_program(k);
}

void leave_orphaned(struct keeper *k)
{
	leave_begin(k, k->config->options.drain_timeout_ms, ALL_LISTENERS & ~k->shared);
}

static unsigned n_queued(int listen_fd)
{
	struct tcp_info info = { .tcpi_unacked = 0 };
	socklen_t len = sizeof(info);

	return getsockopt(listen_fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 ? info.tcpi_unacked : 0;
}

static bool are_queues_empty(const struct keeper *k)
{
	for (unsigned i = 0; i < k->config->n_listeners; i++)
		if (is_last(k, i) && n_queued(k->listen_fd[i]) > 0)
			return false;
	return true;
}

static void step_queues(struct keeper *k)
{
	struct handshakes *wait = &k->leaving.handshakes;
	uint16_t ports[LISTENERS_MAX];
	unsigned n = 0;

	if (k->now_ms < wait->look_ms)
		return;
	for (unsigned i = 0; i < k->config->n_listeners; i++)
		if (is_last(k, i))
			ports[n++] = address_port(&k->config->listen[i]);
	if (!handshakes_over(wait, ports, n, k->now_ms))
		return;
	wait->look_ms = k->now_ms + QUEUE_LOOK_MS;
	if (are_queues_empty(k))
		tell_program(k);
}

void leave_step(struct keeper *k)
{
	struct leaving *l = &k->leaving;

	if (!l->on || k->over)
		return;
	if (l->emptying)
		step_queues(k);
	if (l->emptying && k->now_ms >= l->told_ms)
		tell_program(k);
	if (k->now_ms >= l->deadline_ms)
		cut(k);
}

uint64_t leave_next_ms(const struct keeper *k)
{
	const struct leaving *l = &k->leaving;
	uint64_t next_ms = l->deadline_ms;

	if (!l->on)
		return NEVER;
	if (l->emptying && l->handshakes.look_ms < next_ms)
		next_ms = l->handshakes.look_ms;
	return l->emptying && l->told_ms < next_ms ? l->told_ms : next_ms;
}
