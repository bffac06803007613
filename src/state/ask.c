/* SPDX-License-Identifier: MIT */
/* ask - what is asked of the store wherever it is: in memory it is answered at once */
#include "state/redis.h"
#include "state/room.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHORT_BYTES 1024
#define KEYS_AT_ONCE 64

static void answer(int error, state_answer_fn *fn, void *arg)
{
	const struct brood_state_answer a = { .error = error };

	fn(&a, arg);
}

static void answer_value(const struct state_value *value, const void *bytes, state_answer_fn *fn, void *arg)
{
	struct brood_state_answer a = { .version = value->version, .value = bytes, .len = value->len };
	char digits[24];

	if (value->is_number) {
		a.version = 0;
		a.number = value->number;
		a.value = digits;
		a.len = (size_t)snprintf(digits, sizeof(digits), "%" PRId64, value->number);
	}
	fn(&a, arg);
}

static int get_long(struct state *st, const struct question *q, state_answer_fn *fn, void *arg)
{
	struct state_value value;
	char *bytes = malloc(VALUE_MAX);
	int r;

	if (!bytes)
		return -ENOMEM;
	r = state_read(st, &q->key, bytes, VALUE_MAX, &value);
	if (r < 0)
		answer(r, fn, arg);
	else
		answer_value(&value, bytes, fn, arg);
	free(bytes);
	return 0;
}

static int get(struct state *st, const struct question *q, state_answer_fn *fn, void *arg)
{
	struct state_value value;
	char bytes[SHORT_BYTES];
	int r = state_read(st, &q->key, bytes, sizeof(bytes), &value);

	if (r == -ENOSPC)
		return get_long(st, q, fn, arg);
	if (r < 0)
		answer(r, fn, arg);
	else
		answer_value(&value, bytes, fn, arg);
	return 0;
}

static void add(struct state *st, const struct question *q, state_answer_fn *fn, void *arg)
{
	struct brood_state_answer a = { .error = 0 };

	a.error = state_add(st, &q->key, q->n, q->ttl_ms, &a.number);
	fn(&a, arg);
}

static bool begins_with(const char *key, const struct state_key *prefix)
{
	return strncmp(key, (const char *)prefix->words + 1, prefix->len - 1) == 0;
}

/* A bounded piece of the store: as many steps as there may be keys in one. */
static void scan(struct state *st, const struct question *q, state_answer_fn *fn, void *arg)
{
	char texts[KEYS_AT_ONCE][BROOD_STATE_KEY_MAX + 1];
	const char *keys[KEYS_AT_ONCE];
	struct brood_state_answer a = { .cursor = q->cursor, .keys = keys };

	for (unsigned i = 0; i < KEYS_AT_ONCE; i++) {
		char *text = texts[a.n_keys];
		int r = state_next(st, *(const char *)q->key.words, &a.cursor, text, sizeof(texts[0]));

		if (r == 0)
			a.cursor = 0;
		if (r <= 0)
			break;
		if (begins_with(text, &q->key))
			keys[a.n_keys++] = text;
	}
	fn(&a, arg);
}

static int ask_memory(struct state *st, const struct question *q, state_answer_fn *fn, void *arg)
{
	uint64_t version = q->ask == ASK_SET ? STATE_ANY : q->version;

	switch (q->ask) {
	case ASK_GET:
		return get(st, q, fn, arg);
	case ASK_ADD:
		add(st, q, fn, arg);
		break;
	case ASK_SCAN:
		scan(st, q, fn, arg);
		break;
	case ASK_DELETE:
		answer(state_remove(st, &q->key, STATE_ANY), fn, arg);
		break;
	default:
		answer(state_write(st, &q->key, version, q->value, q->len, q->ttl_ms, NULL), fn, arg);
	}
	return 0;
}

bool state_is_remote(const struct state *st)
{
	return st->redis != NULL;
}

int state_ask(struct state *st, const struct question *q, state_answer_fn *fn, void *arg, uint64_t *ret_id)
{
	*ret_id = 0;
	return st->redis ? redis_ask(st->redis, q, fn, arg, ret_id) : ask_memory(st, q, fn, arg);
}

void state_cancel(struct state *st, uint64_t id)
{
	if (st->redis)
		redis_cancel(id);
}

void state_flush(void)
{
	struct state *st = state_get();

	if (st && st->redis)
		redis_flush(st->redis);
}
