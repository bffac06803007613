/* SPDX-License-Identifier: MIT */
/*
 * drain - leave without hanging up on anyone
 *
 * We stop accepting, answer what we hold, then go. A listener that our successor shares is just let go:
 * its queue is the successor's. As its last holder we refuse new handshakes, wait for those begun, and
 * empty the queue before closing, since close(2) would reset what waits there.
 *
 * Fails by: running out of time; what is left is cut and counted.
 */
#include "worker/room.h"

#include <errno.h>

#define HANDSHAKE_LOOK_MS	20	/* between two looks at the handshakes under way */
#define HANDSHAKE_BLIND_MS	250	/* the wait where they cannot be seen */
#define HANDSHAKE_MOST_MS	1000
#define CUT_MS			50	/* for the completions of what was cut */

static void close_listeners(struct worker *w)
{
	for (unsigned i = 0; i < LISTENERS_HELD_MAX; i++)
		if (w->listeners[i].fd >= 0)
			listener_close(w, &w->listeners[i]);
}

static void refuse_handshakes(struct worker *w)
{
	uint64_t now_ms = w->engine->now_ms;

	for (unsigned i = 0; i < LISTENERS_HELD_MAX; i++) {
		struct listener *l = &w->listeners[i];

		if (l->fd < 0 || l->closing)
			continue;
		listener_refuse(l);
		listener_wake(w, l);
	}
	w->drain.close_ms = now_ms + HANDSHAKE_LOOK_MS;
	w->drain.close_most_ms = now_ms + HANDSHAKE_MOST_MS;
}

void drain_begin(struct worker *w, uint32_t timeout_ms, bool last)
{
	uint64_t deadline_ms = w->engine->now_ms + timeout_ms;

	if (w->drain.on) {	/* a second order can only shorten the time */
		if (deadline_ms < w->drain.deadline_ms)
			w->drain.deadline_ms = deadline_ms;
		return;
	}
	w->drain = (struct drain){ .on = true, .last = last, .deadline_ms = deadline_ms };
	if (last)
		refuse_handshakes(w);
	else
		close_listeners(w);
	conn_table_drain(&w->conns);
}

static bool queues_empty(const struct worker *w)
{
	for (unsigned i = 0; i < LISTENERS_HELD_MAX; i++)
		if (w->listeners[i].fd >= 0 && w->listeners[i].readable)
			return false;
	return true;
}

static bool handshakes_over(struct worker *w)
{
	uint64_t now_ms = w->engine->now_ms;
	int pending = 0;

	if (now_ms >= w->drain.close_most_ms)
		return true;
	for (unsigned i = 0; i < w->config->n_listeners && pending == 0; i++)
		pending = handshakes_pending(address_port(&w->config->listen[i]));
	if (pending == 0)
		return true;
	if (pending < 0)
		w->drain.close_most_ms = w->drain.close_most_ms - HANDSHAKE_MOST_MS + HANDSHAKE_BLIND_MS;
	w->drain.close_ms = now_ms + HANDSHAKE_LOOK_MS;
	return false;
}

/* Once more whatever came since, then close. */
static void step_listeners(struct worker *w)
{
	if (w->drain.close_ms == 0 || w->engine->now_ms < w->drain.close_ms || !queues_empty(w))
		return;
	if (!handshakes_over(w))
		return;
	for (unsigned i = 0; i < LISTENERS_HELD_MAX; i++)
		if (w->listeners[i].fd >= 0)
			listener_wake(w, &w->listeners[i]);
	accept_step(w);
	w->drain.close_ms = 0;
	close_listeners(w);
}

static void cut(struct worker *w)
{
	w->drain.cut = true;
	w->drain.n_cut += conn_table_cut(&w->conns);
	w->drain.close_ms = 0;
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
	return w->conns.n_open == 0 && listeners_closed(w);
}

uint64_t drain_next_ms(const struct worker *w)
{
	if (!w->drain.on)
		return ENGINE_NEVER;
	if (w->drain.close_ms != 0 && w->drain.close_ms < w->drain.deadline_ms)
		return w->drain.close_ms;
	return w->drain.deadline_ms;
}
