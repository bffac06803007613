/* SPDX-License-Identifier: MIT */
/*
 * redis_tell - what is watched: subscriptions, on a connection of their own
 *
 * Once the server has said that one has begun, and so after each time the connection was lost, whoever watches is told
 * without a change: what happened before was not heard.
 */
#include "state/redis.h"

#include "state/room.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <string.h>

static void write_subscription(struct redis *redis, const struct state_key *key, const char *words_of_key[2], bool is_prefix)
{
	char name[REDIS_PATTERN_MAX];
	struct link_word words[2] = { { words_of_key[is_prefix], strlen(words_of_key[is_prefix]) }, { name, 0 } };

	words[1].len = is_prefix ? redis_pattern(&redis->settings, key, name) : redis_key(&redis->settings, key, name);
	(void)redis_link_write(&redis->tell, words, 2);	/* without memory there is nobody to tell, either */
}

void redis_subscribe(struct redis *redis, const struct state_key *key, bool is_prefix)
{
	static const char *words[] = { "SUBSCRIBE", "PSUBSCRIBE" };

	if (redis->asks && !redis->tells) {
		redis->tells = true;
		redis_link_open(&redis->tell, redis->ask.reactor);
	} else if (redis->tells && redis->tell.state == LINK_READY) {
		write_subscription(redis, key, words, is_prefix);
	}
}

void redis_unsubscribe(struct redis *redis, const struct state_key *key, bool is_prefix)
{
	static const char *words[] = { "UNSUBSCRIBE", "PUNSUBSCRIBE" };

	if (redis->tells && redis->tell.state == LINK_READY)
		write_subscription(redis, key, words, is_prefix);
}

static void on_ready(struct redis_link *l)
{
	watch_each(redis_subscribe, container_of(l, struct redis, tell));
}

static bool is_text(const redisReply *reply, const char *text)
{
	return reply->type == REDIS_REPLY_STRING && strcmp(reply->str, text) == 0;
}

static bool is_pattern_kind(const redisReply *kind)
{
	return is_text(kind, "psubscribe") || is_text(kind, "pmessage");
}

static void tell_of(struct redis *redis, const redisReply *const *parts, size_t n)
{
	const struct state *st = state_get();
	const redisReply *name = parts[is_text(parts[0], "pmessage") && n > 3 ? 2 : 1];
	bool begins = is_text(parts[0], "subscribe") || is_text(parts[0], "psubscribe");
	struct state_key key;
	bool is_key = redis_parse_key(st, name->str, (size_t)name->len, &key);

	if (is_pattern_kind(parts[0]) && (begins || is_key))
		watch_tell_pattern(redis, parts[1]->str, begins ? NULL : &key);
	else if (is_key && (begins || is_text(parts[0], "message")))
		watch_tell_key(&key);
}

/* [kind, name, number], [kind, name, text], [kind, pattern, name, text]; others mean nothing to us. */
static bool on_reply(struct redis_link *l, const redisReply *reply)
{
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 3 || reply->element[0]->type != REDIS_REPLY_STRING)
		return false;
	for (size_t i = 1; i + 1 < reply->elements; i++)
		if (reply->element[i]->type != REDIS_REPLY_STRING)
			return is_text(reply->element[0], "unsubscribe") || is_text(reply->element[0], "punsubscribe");
	tell_of(container_of(l, struct redis, tell), (const redisReply *const *)reply->element, reply->elements);
	return true;
}

static void on_down(struct redis_link *l, int error)
{
}

static uint64_t deadline_ms(const struct redis_link *l)
{
	return ENGINE_NEVER;
}

const struct link_ops redis_tell_ops = {
	.on_ready = on_ready,
	.on_reply = on_reply,
	.on_down = on_down,
	.deadline_ms = deadline_ms,
};
