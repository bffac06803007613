/* SPDX-License-Identifier: MIT */
/*
 * redis_ask - commands in a row, and their answers in the same
 *
 * Whoever asks has a place in a ring; the answer that comes next is for the first of them.
 */
#include "state/redis.h"

#include "state/once.h"
#include "state/room.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_FIRST 64u
#define WAIT_MOST 65536u		/* answers that are waited for */
#define UNSENT_MOST (4u * 1024 * 1024)

struct waiting {
	state_answer_fn	*fn;		/* NULL = nobody wants it any more */
	void		*arg;
	uint64_t	 deadline_ms;
	enum ask	 ask;
};

/* Of this process; number N has the place N % size. */
static struct {
	struct waiting	*places;
	uint64_t	 size;
	uint64_t	 first;
	uint64_t	 end;
} ring;

static struct waiting *place(uint64_t n)
{
	return &ring.places[n & (ring.size - 1)];
}

/* ---- asking ---- */

static int make_place(void)
{
	uint64_t size = ring.size ? ring.size * 2 : WAIT_FIRST;
	struct waiting *more;

	if (ring.end - ring.first < ring.size)
		return 0;
	if (size > WAIT_MOST)
		return -EAGAIN;
	more = malloc(size * sizeof(*more));
	if (!more)
		return -ENOMEM;
	for (uint64_t n = ring.first; n != ring.end; n++)
		more[n & (size - 1)] = *place(n);
	free(ring.places);
	ring.places = more;
	ring.size = size;
	return 0;
}

/* While it connects for the first time, or anew after it was well, one waits; while it is down one does not. */
static bool is_hopeless(const struct redis_link *l)
{
	return l->state == LINK_DOWN || (l->state != LINK_READY && l->had_failed);
}

int redis_ask(struct redis *redis, const struct question *q, state_answer_fn *fn, void *arg, uint64_t *ret_id)
{
	struct redis_link *l = &redis->ask;
	int r = !redis->asks || is_hopeless(l) || redis_link_unsent(l) > UNSENT_MOST ? -EAGAIN : make_place();

	if (r == 0)
		r = redis_question_write(l, q);
	if (r < 0) {
		if (r == -EAGAIN)
			state_counts.refusals++;
		return r;
	}
	*place(ring.end) = (struct waiting){ fn, arg, l->reactor->engine->now_ms + l->settings->timeout_ms, q->ask };
	*ret_id = ring.end++;
	redis_link_expect(l);
	if (q->ask == ASK_GET || q->ask == ASK_LEASE || q->ask == ASK_SCAN)
		state_counts.reads++;
	else
		state_counts.writes++;
	return 0;
}

void redis_cancel(uint64_t id)
{
	if (id - ring.first < ring.end - ring.first)
		place(id)->fn = NULL;
}

/* ---- answers ---- */

static void tell(const struct waiting *w, struct brood_state_answer *a)
{
	if (w->fn)
		w->fn(a, w->arg);
}

static bool on_reply(struct redis_link *l, const redisReply *reply)
{
	struct brood_state_answer a = { .error = 0 };
	struct waiting w;

	if (ring.first == ring.end)
		return false;
	w = *place(ring.first);
	if (!redis_answer_read(l, w.ask, reply, &a))
		return false;
	if (a.error == -ENOSPC)
		state_counts.refusals++;
	if (reply->type == REDIS_REPLY_ERROR && redis_begins_with(reply, "NOSCRIPT"))
		redis_scripts_forget();	/* somebody has flushed them: they are sent whole */
	ring.first++;
	tell(&w, &a);
	return true;
}

/* ---- the connection ---- */

static void on_greeted(struct redis_link *l, unsigned n_left, const redisReply *reply)
{
	if (reply->type == REDIS_REPLY_STRING && reply->len == REDIS_SHA_BYTES)
		redis_script_loaded(n_left, reply->str);
}

static void on_ready(struct redis_link *l)
{
}

/* What was sent may have been done, or not; what was not, was not. */
static void on_down(struct redis_link *l, int error)
{
	const uint64_t end = ring.end;

	if (error != -ETIMEDOUT)
		error = -ECONNRESET;
	while (ring.first != end) {
		struct brood_state_answer a = { .error = l->was_ready ? error : -EAGAIN };
		struct waiting w = *place(ring.first++);

		state_counts.timeouts += a.error == -ETIMEDOUT;
		tell(&w, &a);
	}
	once_look_all();
}

static uint64_t deadline_ms(const struct redis_link *l)
{
	return ring.first == ring.end ? ENGINE_NEVER : place(ring.first)->deadline_ms;
}

const struct link_ops redis_ask_ops = {
	.greet = redis_scripts_load,
	.on_greeted = on_greeted,
	.on_ready = on_ready,
	.on_reply = on_reply,
	.on_down = on_down,
	.deadline_ms = deadline_ms,
};
