/* SPDX-License-Identifier: MIT */
/* redis - where the server is, and what keys are called there */
#include "state/redis.h"

#include "state/room.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SCHEME "redis://"
#define PORT_USUAL "6379"
#define DB_MOST 65535

bool state_is_redis(const char *text)
{
	return strncmp(text, SCHEME, strlen(SCHEME)) == 0;
}

#ifndef BUILD_REDIS

int state_create_redis(const char *url, const char *prefix, uint32_t timeout_ms, struct state **ret_state,
		       const char **ret_why)
{
	*ret_why = "this brood was built without hiredis";
	return -ENOTSUP;
}

size_t redis_pattern(const struct redis_settings *settings, const struct state_key *prefix, char out[REDIS_PATTERN_MAX])
{
	return 0;
}

void redis_serve(struct redis *redis, struct reactor *reactor, bool watches) {}
void redis_flush(struct redis *redis) {}
void redis_destroy(struct redis *redis) {}
void redis_cancel(uint64_t id) {}
void redis_subscribe(struct redis *redis, const struct state_key *key, bool is_prefix) {}
void redis_unsubscribe(struct redis *redis, const struct state_key *key, bool is_prefix) {}

int redis_ask(struct redis *redis, const struct question *question, state_answer_fn *fn, void *arg, uint64_t *ret_id)
{
	return -ENOTSUP;
}

#else

/* ---- the URL ---- */

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* With %XX resolved. Return: 0, or -EINVAL: too long, or no such thing. */
static int copy_word(const char *from, size_t len, char out[REDIS_WORD_MAX + 1])
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int c = (unsigned char)from[i];

		if (c == '%') {
			if (len - i < 3 || digit_of(from[i + 1]) < 0 || digit_of(from[i + 2]) < 0)
				return -EINVAL;
			c = digit_of(from[i + 1]) << 4 | digit_of(from[i + 2]);
			i += 2;
		}
		if (c == '\0' || n == REDIS_WORD_MAX)
			return -EINVAL;
		out[n++] = (char)c;
	}
	out[n] = '\0';
	return 0;
}

/* "user:password@", ":password@" or nothing. */
static int parse_user(const char *text, size_t len, struct redis_settings *s, const char **ret_why)
{
	const char *colon = memchr(text, ':', len);
	size_t n_user = colon ? (size_t)(colon - text) : 0;

	if (!colon || copy_word(text, n_user, s->user) < 0 || copy_word(colon + 1, len - n_user - 1, s->password) < 0 ||
	    !s->password[0]) {
		*ret_why = "before @ there is [USER]:PASSWORD, at most 255 bytes each, %XX for what is no letter";
		return -EINVAL;
	}
	return 0;
}

static int parse_db(const char *text, struct redis_settings *s, const char **ret_why)
{
	char *end;
	unsigned long db = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end || db > DB_MOST) {
		*ret_why = "after / there is the number of a database";
		return -EINVAL;
	}
	s->db = (unsigned)db;
	return 0;
}

/* "host", "host:port", "[v6]:port". */
static int split_host(const char *text, size_t len, char host[256], char port[8])
{
	const char *bracket = text[0] == '[' ? memchr(text, ']', len) : NULL;
	const char *begin = bracket ? text + 1 : text;
	const char *colon = bracket ? memchr(bracket, ':', len - (size_t)(bracket - text)) : memchr(text, ':', len);
	size_t n_host = (size_t)((bracket ? bracket : colon ? colon : text + len) - begin);
	size_t n_port = colon ? (size_t)(text + len - colon) - 1 : 0;

	if (n_host == 0 || n_host > 255 || n_port > 5 || (colon && n_port == 0) ||
	    (bracket && bracket + 1 != (colon ? colon : text + len)))
		return -EINVAL;
	memcpy(host, begin, n_host);
	host[n_host] = '\0';
	snprintf(port, 8, "%.*s", colon ? (int)n_port : 4, colon ? colon + 1 : PORT_USUAL);
	return strspn(port, "0123456789") == strlen(port) && strtoul(port, NULL, 10) <= UINT16_MAX ? 0 : -EINVAL;
}

static int look_up(const char *host, const char *port, struct redis_settings *s, const char **ret_why)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG };
	struct addrinfo *found = NULL;
	int r = getaddrinfo(host, port, &hints, &found);

	if (r != 0 || found->ai_addrlen > sizeof(s->address.un)) {
		*ret_why = r != 0 ? gai_strerror(r) : "that is no address";
		if (found)
			freeaddrinfo(found);
		return -EINVAL;
	}
	memcpy(&s->address.any, found->ai_addr, found->ai_addrlen);
	s->address.len = found->ai_addrlen;
	freeaddrinfo(found);
	address_format(&s->address, s->name);
	return 0;
}

static int parse_url(const char *url, struct redis_settings *s, const char **ret_why)
{
	const char *at, *text = url + strlen(SCHEME);
	size_t len = strcspn(text, "/");
	char host[256], port[8];
	int r = 0;

	if (text[len] == '/' && text[len + 1])
		r = parse_db(text + len + 1, s, ret_why);
	at = memrchr(text, '@', len);
	if (r == 0 && at)
		r = parse_user(text, (size_t)(at - text), s, ret_why);
	if (r < 0)
		return r;
	if (at) {
		len -= (size_t)(at + 1 - text);
		text = at + 1;
	}
	if (split_host(text, len, host, port) < 0) {
		*ret_why = "there is no HOST:PORT";
		return -EINVAL;
	}
	return look_up(host, port, s, ret_why);
}

/* ---- keys ---- */

size_t redis_key(const struct redis_settings *s, const struct state_key *key, char out[REDIS_KEY_MAX])
{
	size_t n = strlen(s->prefix);

	memcpy(out, s->prefix, n);
	out[n++] = *(const char *)key->words;
	out[n++] = ':';
	memcpy(out + n, (const char *)key->words + 1, key->len - 1);
	return n + key->len - 1;
}

size_t redis_pattern(const struct redis_settings *s, const struct state_key *prefix, char out[REDIS_PATTERN_MAX])
{
	char name[REDIS_KEY_MAX];
	size_t len = redis_key(s, prefix, name), n = 0;

	for (size_t i = 0; i < len; i++) {
		if (strchr("*?[]^\\", name[i]))
			out[n++] = '\\';
		out[n++] = name[i];
	}
	out[n++] = '*';
	out[n] = '\0';
	return n;
}

bool redis_parse_key(const struct state *st, const char *name, size_t len, struct state_key *ret_key)
{
	const char *prefix = st->redis->settings.prefix;
	size_t n = strlen(prefix);

	return strlen(name) == len && len > n + 2 && memcmp(name, prefix, n) == 0 && name[n + 1] == ':' &&
	       state_key(st, name[n], name + n + 2, ret_key) == 0;
}

/* ---- the two connections ---- */

void redis_serve(struct redis *redis, struct reactor *reactor, bool watches)
{
	redis->asks = true;
	redis_link_open(&redis->ask, reactor);
	if (watches) {
		redis->tells = true;
		redis_link_open(&redis->tell, reactor);
	}
}

void redis_flush(struct redis *redis)
{
	if (redis->asks)
		redis_link_flush(&redis->ask);
	if (redis->tells)
		redis_link_flush(&redis->tell);
}

void redis_destroy(struct redis *redis)
{
	if (!redis)
		return;
	if (redis->asks)
		redis_link_close(&redis->ask);
	if (redis->tells)
		redis_link_close(&redis->tell);
	free(redis);
}

static int make(const char *url, const char *prefix, uint32_t timeout_ms, struct state *st, const char **ret_why)
{
	struct redis *redis = calloc(1, sizeof(*redis));
	int r;

	if (!redis || getrandom(st->seed, sizeof(st->seed), 0) != sizeof(st->seed) ||
	    getrandom(&redis->pool, sizeof(redis->pool), 0) != sizeof(redis->pool)) {
		free(redis);
		return -ENOMEM;
	}
	r = parse_url(url, &redis->settings, ret_why);
	if (r < 0) {
		free(redis);
		return r;
	}
	redis->settings.timeout_ms = timeout_ms;
	snprintf(redis->settings.prefix, sizeof(redis->settings.prefix), "%s", prefix);
	redis->ask = (struct redis_link){ .settings = &redis->settings, .ops = &redis_ask_ops };
	redis->tell = (struct redis_link){ .settings = &redis->settings, .ops = &redis_tell_ops };
	st->redis = redis;
	return 0;
}

int state_create_redis(const char *url, const char *prefix, uint32_t timeout_ms, struct state **ret_state,
		       const char **ret_why)
{
	struct state *st = calloc(1, sizeof(*st));
	int r;

	*ret_why = "no memory";
	if (!st)
		return -ENOMEM;
	st->fd = st->event_fd = -1;
	r = make(url, prefix, timeout_ms, st, ret_why);
	if (r < 0) {
		free(st);
		return r;
	}
	*ret_state = st;
	return 0;
}

#endif
