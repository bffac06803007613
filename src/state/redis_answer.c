/* SPDX-License-Identifier: MIT */
/* redis_answer - what the server says, as answers of ours */
#include "state/redis.h"

#include "state/room.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS_BYTES 24

/* The numbers that scripts return. */
static const int refusals[] = { 0, -ESTALE, -EDOM, -ENOENT };

bool redis_begins_with(const redisReply *reply, const char *text)
{
	return reply->len >= strlen(text) && memcmp(reply->str, text, strlen(text)) == 0;
}

static bool has(const redisReply *reply, const char *text)
{
	return memmem(reply->str, (size_t)reply->len, text, strlen(text)) != NULL;
}

/* What the server says is wrong, as our errors have it. */
static int error_of(const redisReply *reply)
{
	static const char *const later[] = {
		"LOADING", "BUSY", "NOSCRIPT", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "NOREPLICAS", "READONLY",
		"MISCONF", "NOAUTH",
	};

	if (has(reply, "OOM command not allowed"))
		return -ENOSPC;
	if (redis_begins_with(reply, "WRONGTYPE") || has(reply, "WRONGTYPE") || has(reply, "not an integer"))
		return -EDOM;
	if (has(reply, "would overflow"))
		return -ERANGE;
	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++)
		if (redis_begins_with(reply, later[i]))
			return -EAGAIN;
	return -EIO;
}

/* A value of ours, or a counter's digits. */
static int read_value(const redisReply *reply, struct brood_state_answer *a)
{
	char digits[DIGITS_BYTES], *end;
	size_t len = (size_t)reply->len;

	if (len >= REDIS_VALUE_HEAD && reply->str[0] == '=') {
		memcpy(&a->version, reply->str + 1, sizeof(a->version));
		a->value = reply->str + REDIS_VALUE_HEAD;
		a->len = len - REDIS_VALUE_HEAD;
		return a->len > VALUE_MAX ? -EMSGSIZE : 0;
	}
	if (len == 0 || len >= sizeof(digits))
		return -EDOM;
	memcpy(digits, reply->str, len);
	digits[len] = '\0';
	errno = 0;
	a->number = strtoll(digits, &end, 10);
	if (end != digits + len || errno != 0)
		return -EDOM;
	a->value = reply->str;
	a->len = len;
	return 0;
}

static bool is_string(const redisReply *reply)
{
	return reply->type == REDIS_REPLY_STRING && reply->str;
}

static bool read_sum(const redisReply *reply, struct brood_state_answer *a)
{
	return is_string(reply) && read_value(reply, a) == 0 && a->value == reply->str;
}

/* Those that are ours, without what they have before them. Return: whether that was an answer. */
static bool read_keys(const struct redis_link *l, const redisReply *reply, const char **keys, struct brood_state_answer *a)
{
	size_t skip = strlen(l->settings->prefix) + 2;

	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 || !is_string(reply->element[0]) ||
	    reply->element[1]->type != REDIS_REPLY_ARRAY)
		return false;
	a->cursor = strtoull(reply->element[0]->str, NULL, 10);
	a->keys = keys;
	for (size_t i = 0; i < reply->element[1]->elements; i++) {
		const redisReply *key = reply->element[1]->element[i];

		if (!is_string(key))
			return false;
		if ((size_t)key->len > skip && (size_t)key->len - skip <= BROOD_STATE_KEY_MAX &&
		    strlen(key->str) == (size_t)key->len)
			keys[a->n_keys++] = key->str + skip;
	}
	return true;
}

/* What is there and how long, or the version of ours. */
static bool read_lease(const redisReply *reply, struct brood_state_answer *a)
{
	if (is_string(reply) && reply->len == sizeof(a->version)) {
		memcpy(&a->version, reply->str, sizeof(a->version));
		return true;
	}
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 || !is_string(reply->element[0]) ||
	    reply->element[1]->type != REDIS_REPLY_INTEGER)
		return false;
	a->error = read_value(reply->element[0], a);
	a->number = reply->element[1]->integer;
	return true;
}

bool redis_answer_read(const struct redis_link *l, enum ask ask, const redisReply *reply, struct brood_state_answer *a)
{
	static const char *keys[REDIS_KEYS_MAX];

	if (reply->type == REDIS_REPLY_ERROR) {
		a->error = error_of(reply);
		return true;
	}
	switch (ask) {
	case ASK_GET:
		a->error = reply->type == REDIS_REPLY_NIL ? -ENOENT : is_string(reply) ? read_value(reply, a) : -EPROTO;
		return a->error != -EPROTO;
	case ASK_ADD:
		return read_sum(reply, a);
	case ASK_LEASE:
		return read_lease(reply, a);
	case ASK_SCAN:
		return read_keys(l, reply, keys, a);
	default:
		if (reply->type != REDIS_REPLY_INTEGER || reply->integer < 0 || reply->integer > 3)
			return false;
		a->error = refusals[reply->integer];
		return true;
	}
}
