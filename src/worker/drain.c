/* SPDX-License-Identifier: MIT */
/*
 * drain - leave without hanging up on anyone
 *
 * We stop accepting, answer what we hold, then go; with an heir, idle connections go to it (shed.c). A listener
 * that our successor shares, or another pool in an upgrade, is just let go: its queue is theirs. As its last holder
 * we refuse new handshakes, wait for those begun, and empty the queue before closing, since close(2) would reset
 * what waits there. A queue that the parent hands out to is read to its end.
 *
 * Fails by: running out of time; what is left is cut and counted.
 */
#include "worker/room.h"

#include "async/async.h"
#include "task/task.h"

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#define HANDSHAKES_MS		1000	/* for those begun, before the queues are closed */
#define CUT_MS			50	/* for the completions of what was cut */

static void close_listeners(struct worker *w)
{
	for (unsigned i = 0; i < LISTENERS_HELD_MAX; i++)
		if (w->listeners[i].fd >= 0)
			listener_close(w, &w->listeners[i]);
}

static void close_datagrams(struct worker *w)
{
	for (unsigned i = 0; i < LISTENERS_HELD_MAX; i++)
		if (w->listeners[i].fd >= 0 && w->listeners[i].kind == LISTENER_DATAGRAM)
			listener_close(w, &w->listeners[i]);
}

static void let_go(struct worker *w, struct listener *l)
{
	if (!drain_is_last(w, l->index)) {
		listener_close(w, l);
		return;
	}
	if (l->index < LISTENERS_MAX && config_has_handshakes(w->config, l->index))
		handshakes_refuse(l->fd);
	listener_wake(w, l);
}

static void leave_listeners(struct worker *w)
{
	if (w->config->options.model == BROOD_ROUND_ROBIN && w->drain.last) {
		close_datagrams(w);
		/* the parent refuses them; what it has handed out is ours, even if not ready yet */
		listeners_wake(w);
		return;
	}
	for (unsigned i = 0; i < LISTENERS_HELD_MAX; i++)
		if (w->listeners[i].fd >= 0 && !w->listeners[i].closing)
			let_go(w, &w->listeners[i]);
	if (w->drain.last)
		handshakes_begin(&w->drain.handshakes, w->engine->now_ms, w->engine->now_ms + HANDSHAKES_MS);
}

bool drain_is_last(const struct worker *w, unsigned index)
{
	return w->drain.last >> index & 1;
}

void drain_begin(struct worker *w, uint32_t timeout_ms, uint32_t last)
{
	uint64_t deadline_ms = w->engine->now_ms + timeout_ms;

	if (w->drain.on) {	/* a second order can only shorten the time */
		if (deadline_ms < w->drain.deadline_ms)
			w->drain.deadline_ms = deadline_ms;
		shed_hurry(w, w->engine->now_ms + timeout_ms / 2);
		return;
	}
	w->drain = (struct drain){ .on = true, .last = last, .deadline_ms = deadline_ms };
	public_tell_disconnect();
	leave_listeners(w);
	if (shed_all(w, w->engine->now_ms + timeout_ms / 2))
		return;
	shed_end(w);
	conn_table_drain(&w->conns);
}

void drain_orphaned(struct worker *w)
{
	drain_begin(w, w->config->options.drain_timeout_ms, DRAIN_QUEUE | (ALL_LISTENERS & ~w->shared));
}

static bool queues_empty(const struct worker *w)
{
	for (unsigned i = 0; i < LISTENERS_HELD_MAX; i++)
		if (w->listeners[i].fd >= 0 && w->listeners[i].readable)
			return false;
	return true;
}

static bool are_handshakes_over(struct worker *w)
{
	uint16_t ports[LISTENERS_MAX];
	unsigned n = 0;

	for (unsigned i = 0; i < w->config->n_listeners; i++)
		if (drain_is_last(w, i) && config_has_handshakes(w->config, i))
			ports[n++] = address_port(&w->config->listen[i]);
	return handshakes_over(&w->drain.handshakes, ports, n, w->engine->now_ms);
}

/* Once more whatever came since, then close. */
static void step_listeners(struct worker *w)
{
	struct handshakes *wait = &w->drain.handshakes;

	if (wait->look_ms == 0 || w->engine->now_ms < wait->look_ms || !queues_empty(w))
		return;
	if (!are_handshakes_over(w))
		return;
	listeners_wake(w);
	accept_step(w);
	if (!queues_empty(w))
		return;
	wait->look_ms = 0;
	close_listeners(w);
}

static unsigned cut_taken(struct worker *w)
{
	unsigned n = w->n_taken;

	while (w->n_taken > 0)
		close(w->taken[--w->n_taken]);
	return n;
}

/* In listeners that nobody has after us: lost, as what we have accepted is. */
static unsigned count_queued(const struct worker *w)
{
	unsigned n = 0;

	for (unsigned i = 0; i < LISTENERS_HELD_MAX; i++) {
		const struct listener *l = &w->listeners[i];
		struct tcp_info info = { .tcpi_unacked = 0 };
		socklen_t len = sizeof(info);

		if (l->fd >= 0 && l->index < LISTENERS_MAX && drain_is_last(w, l->index) &&
		    getsockopt(l->fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0)
			n += info.tcpi_unacked;		/* of one that listens: how many wait to be accepted */
	}
	return n;
}

static void cut(struct worker *w)
{
	w->drain.cut = true;
	w->drain.n_cut += conn_table_cut(&w->conns) + cut_taken(w) + shed_cut(w) + count_queued(w);
	w->drain.handshakes.look_ms = 0;
	close_listeners(w);
	w->drain.deadline_ms = w->engine->now_ms + CUT_MS;
}

void drain_step(struct worker *w)
{
	if (!w->drain.on)
		return;
	step_listeners(w);
	if (!w->drain.cut && w->engine->now_ms >= w->drain.deadline_ms)
		cut(w);
}

bool drain_complete(const struct worker *w)
{
	if (!w->drain.on)
		return false;
	if (w->drain.cut && w->engine->now_ms >= w->drain.deadline_ms)
		return true;	/* the kernel still holds something; our exit ends that */
	return !tasks_pending() && !async_pending() && w->conns.n_open == 0 && w->n_taken == 0 &&
	       w->shed.n_gifts == 0 && listeners_closed(w);
}

uint64_t drain_next_ms(const struct worker *w)
{
	if (!w->drain.on)
		return ENGINE_NEVER;
	if (w->drain.handshakes.look_ms == 0 || w->drain.handshakes.look_ms > w->drain.deadline_ms)
		return w->drain.deadline_ms;
	return queues_empty(w) ? w->drain.handshakes.look_ms : w->drain.deadline_ms;	/* first they are emptied */
}
