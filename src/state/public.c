/* SPDX-License-Identifier: MIT */
/* public - the functions of brood.h that concern the shared state, with the pool's own store and terminated keys */
#include "state/room.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define OWNER_USER 'u'	/* of a key: its first byte, which the user does not see */

/* Return: 0, -ENOTSUP (there is no store), -EINVAL. */
static int open_key_anywhere(const char *text, struct state **ret_state, struct state_key *ret_key)
{
	*ret_state = state_get();
	return *ret_state ? state_key(*ret_state, OWNER_USER, text, ret_key) : -ENOTSUP;
}

/* The same where there is an answer at once; -ENOTSUP when a server is to be asked. */
static int open_key(const char *text, struct state **ret_state, struct state_key *ret_key)
{
	struct state *st = state_get();

	return st && st->redis ? -ENOTSUP : open_key_anywhere(text, ret_state, ret_key);
}

/* A counter is read as its digits. */
static int print_number(int64_t number, char *out, size_t size, struct state_value *value)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%" PRId64, number);

	value->len = (size_t)n;
	if ((size_t)n > size)
		return -ENOSPC;
	memcpy(out, text, (size_t)n);
	return n;
}

int brood_state_get(const char *key, void *out, size_t size, uint64_t *ret_version)
{
	struct state_value value;
	struct state_key k;
	struct state *st;
	int r = open_key(key, &st, &k);

	if (r != 0)
		return r;
	r = state_read(st, &k, out, size, &value);
	if (r < 0)
		return r;
	if (ret_version)
		*ret_version = value.version;
	return value.is_number ? print_number(value.number, out, size, &value) : (int)value.len;
}

static int write_value(const char *key, uint64_t version, const void *value, size_t len, uint64_t ttl_ms)
{
	struct state_key k;
	struct state *st;
	int r = open_key(key, &st, &k);

	if (r < 0)
		return r;
	return len > VALUE_MAX ? -EMSGSIZE : state_write(st, &k, version, value, len, ttl_ms, NULL);
}

int brood_state_set(const char *key, const void *value, size_t len, uint64_t ttl_ms)
{
	return write_value(key, STATE_ANY, value, len, ttl_ms);
}

int brood_state_cas(const char *key, uint64_t version, const void *value, size_t len, uint64_t ttl_ms)
{
	return version == STATE_ANY ? -ESTALE : write_value(key, version, value, len, ttl_ms);
}

int brood_state_delete(const char *key)
{
	struct state_key k;
	struct state *st;
	int r = open_key(key, &st, &k);

	return r < 0 ? r : state_remove(st, &k, STATE_ANY);
}

int brood_state_add(const char *key, int64_t n, uint64_t ttl_ms, int64_t *ret_value)
{
	struct state_key k;
	struct state *st;
	int64_t value;
	int r = open_key(key, &st, &k);

	if (r == 0)
		r = state_add(st, &k, n, ttl_ms, &value);
	if (r == 0 && ret_value)
		*ret_value = value;
	return r;
}

int brood_state_watch(const char *key, brood_state_watch_fn *fn, void *arg, struct brood_watch **ret_watch)
{
	struct state_key k;
	struct state *st;
	int r = open_key_anywhere(key, &st, &k);

	return r < 0 ? r : state_watch(st, &k, fn, arg, ret_watch);
}

int brood_state_watch_prefix(const char *prefix, brood_state_watch_fn *fn, void *arg, struct brood_watch **ret_watch)
{
	struct state *st = state_get();
	struct state_key k = { .len = 1, .words = { OWNER_USER } };
	int r = st && prefix[0] ? state_key(st, OWNER_USER, prefix, &k) : 0;

	if (!st)
		return -ENOTSUP;
	return r < 0 ? r : watch_prefix(st, &k, fn, arg, ret_watch);
}

int brood_state_next(uint64_t *cursor, char *ret_key, size_t size)
{
	struct state *st = state_get();

	return st && !st->redis ? state_next(st, OWNER_USER, cursor, ret_key, size) : -ENOTSUP;
}
