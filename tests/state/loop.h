/* SPDX-License-Identifier: MIT */
/* loop - a worker's loop as far as the shared state needs one, and what is asked of it with the answer at hand */
#pragma once

#include "state/store.h"	/* before cmocka, whose macro skip() would be in its way */

#include "async/async.h"
#include "engine/engines.h"
#include "reactor/reactor.h"

static struct reactor reactor;

static inline void loop_turn(uint64_t end_ms)
{
	uint64_t next_ms = reactor_next_ms(&reactor);
	struct completion c;

	state_flush();
	assert_int_equal(engine_turn(reactor.engine, next_ms < end_ms ? next_ms : end_ms), 0);
	while (engine_next(reactor.engine, &c))
		if (c.op != OP_IGNORE)
			reactor_on_completion(&reactor, &c);
	reactor_expire(&reactor);
}

static inline void loop_for(uint64_t ms)
{
	uint64_t end_ms = clock_ms() + ms;

	do
		loop_turn(end_ms);
	while (reactor.engine->now_ms < end_ms);
}

/* The last answer, kept. */
static struct kept {
	unsigned	n;
	int		error;
	uint64_t	version;
	int64_t		number;
	size_t		len;
	char		value[BROOD_STATE_VALUE_MAX];
} kept;

static inline void keep(struct brood_request *request, const struct brood_state_answer *answer, void *arg)
{
	kept.n++;
	kept.error = answer->error;
	kept.version = answer->version;
	kept.number = answer->number;
	kept.len = answer->len;
	if (answer->len > 0)
		memcpy(kept.value, answer->value, answer->len);
}

/* What was asked has been answered. Return: the error of either. */
static inline int answered(int r)
{
	uint64_t end_ms = clock_ms() + PATIENCE_MS;

	while (r == 0 && kept.n == 0) {
		assert_true(clock_ms() < end_ms);
		loop_turn(end_ms);
	}
	assert_int_equal(kept.n, r == 0);
	kept.n = 0;
	return r < 0 ? r : kept.error;
}

#define GET(key) answered(brood_state_get_async(NULL, (key), keep, NULL))
#define VALUE(value, len, ttl_ms) (&(struct brood_state_value){ (value), (len), (ttl_ms) })
#define SET(key, value, len, ttl_ms) \
	answered(brood_state_set_async(NULL, (key), VALUE(value, len, ttl_ms), keep, NULL))
#define CAS(key, version, value, len, ttl_ms) \
	answered(brood_state_cas_async(NULL, (key), (version), VALUE(value, len, ttl_ms), keep, NULL))
#define DELETE(key) answered(brood_state_delete_async(NULL, (key), keep, NULL))
#define ADD(key, n, ttl_ms) answered(brood_state_add_async(NULL, (key), (n), (ttl_ms), keep, NULL))

static inline void loop_open(struct engine *e, struct state *st)
{
	state_set(st);
	reactor_init(&reactor, e);
	async_open(&reactor);
	state_serve(st, &reactor);
}

static inline void loop_close(struct state *st)
{
	state_destroy(st);
	async_open(NULL);
	reactor_finish(&reactor);
}
