/* SPDX-License-Identifier: MIT */
/* state - the shared state, asked without waiting for it, wherever it is */
#include "async/async.h"

#include "state/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define OWNER_USER 'u'

/* What a request, or nobody, waits for. */
struct wait {
	struct affair	 affair;
	uint64_t	 id;
	brood_state_fn	*fn;
	void		*arg;
	const struct brood_state_answer *answer;
};

static void call(struct brood_request *request, void *arg)
{
	const struct wait *w = arg;

	w->fn(request, w->answer, w->arg);
}

static void on_later(const struct brood_state_answer *answer, void *arg)
{
	struct wait *w = arg, told = *w;

	affair_end(&w->affair);
	free(w);
	told.answer = answer;
	affair_call(told.affair.request, call, &told);
}

static void cancel(struct affair *affair, bool is_told)
{
	struct wait *w = (struct wait *)affair;

	state_cancel(state_get(), w->id);
	affair_end(affair);
	free(w);
}

static int ask_later(struct brood_request *request, const struct question *q, brood_state_fn *fn, void *arg)
{
	struct wait *w = malloc(sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	r = affair_begin(&w->affair, request, cancel);
	if (r < 0) {
		free(w);
		return r;
	}
	w->fn = fn;
	w->arg = arg;
	r = state_ask(state_get(), q, on_later, w, &w->id);
	if (r < 0) {
		affair_end(&w->affair);
		free(w);
	}
	return r;
}

struct now {
	struct brood_request *request;
	brood_state_fn	*fn;
	void		*arg;
};

static void on_now(const struct brood_state_answer *answer, void *arg)
{
	const struct now *now = arg;

	now->fn(now->request, answer, now->arg);
}

static int ask(struct brood_request *request, struct question *q, const char *key, brood_state_fn *fn, void *arg)
{
	struct now now = { request, fn, arg };
	struct state *st = state_get();
	uint64_t id;
	int r;

	if (!st)
		return -ENOTSUP;
	if (q->len > BROOD_STATE_VALUE_MAX)
		return -EMSGSIZE;
	r = fn ? 0 : -EINVAL;
	if (r == 0 && (q->ask != ASK_SCAN || key[0]))
		r = state_key(st, OWNER_USER, key, &q->key);
	if (r < 0)
		return r;
	if (!state_is_remote(st))
		return state_ask(st, q, on_now, &now, &id);
	return async_reactor() ? ask_later(request, q, fn, arg) : -ENOTSUP;
}

int brood_state_get_async(struct brood_request *request, const char *key, brood_state_fn *fn, void *arg)
{
	return ask(request, &(struct question){ .ask = ASK_GET }, key, fn, arg);
}

int brood_state_set_async(struct brood_request *request, const char *key, const struct brood_state_value *value,
			  brood_state_fn *fn, void *arg)
{
	struct question q = { .ask = ASK_SET, .value = value->bytes, .len = value->len, .ttl_ms = value->ttl_ms };

	return ask(request, &q, key, fn, arg);
}

int brood_state_cas_async(struct brood_request *request, const char *key, uint64_t version,
			  const struct brood_state_value *value, brood_state_fn *fn, void *arg)
{
	struct question q = { .ask = ASK_CAS, .version = version, .value = value->bytes, .len = value->len,
			      .ttl_ms = value->ttl_ms };

	return version == STATE_ANY ? -EINVAL : ask(request, &q, key, fn, arg);
}

int brood_state_delete_async(struct brood_request *request, const char *key, brood_state_fn *fn, void *arg)
{
	return ask(request, &(struct question){ .ask = ASK_DELETE }, key, fn, arg);
}

int brood_state_add_async(struct brood_request *request, const char *key, int64_t n, uint64_t ttl_ms, brood_state_fn *fn,
			  void *arg)
{
	struct question q = { .ask = ASK_ADD, .n = n, .ttl_ms = ttl_ms };

	return ask(request, &q, key, fn, arg);
}

int brood_state_scan_async(struct brood_request *request, const char *prefix, uint64_t cursor, brood_state_fn *fn,
			   void *arg)
{
	struct question q = { .ask = ASK_SCAN, .cursor = cursor };

	q.key.len = 1;
	q.key.words[0] = OWNER_USER;
	return ask(request, &q, prefix, fn, arg);
}
