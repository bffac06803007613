/* SPDX-License-Identifier: MIT */
/*
 * redis_ask - commands in a row, and their answers in the same
 *
 * Whoever asks has a place in a ring; the answer that comes next is for the first of them. What writes is a script each,
 * so that a change and the news of it are one.
 */
#include "state/redis.h"

#include "state/room.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define WAIT_FIRST 64u
#define WAIT_MOST 65536u		/* answers that are waited for */
#define UNSENT_MOST (4u * 1024 * 1024)
#define VALUE_HEAD 9			/* '=' and the version */
#define SHA_BYTES 40
#define DIGITS_BYTES 24
#define SCAN_COUNT "64"

#define WRITE_IT \
	"if ARGV[2] == '0' then redis.call('SET', KEYS[1], ARGV[1]) " \
	"else redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end " \
	"redis.call('PUBLISH', KEYS[1], '') return 0"

/* Each takes one key; what is wrong is told by the numbers of refusals[]. A sum is read back, because Lua would round it. */
static const char *const scripts[] = {
	[ASK_SET] = WRITE_IT,
	[ASK_CAS] =
		"local v = redis.call('GET', KEYS[1]) "
		"if not v then if ARGV[3] ~= '' then return 1 end "
		"elseif ARGV[3] == '' then return 1 "
		"elseif string.sub(v, 1, 1) ~= '=' then return 2 "
		"elseif string.sub(v, 2, 9) ~= ARGV[3] then return 1 end " WRITE_IT,
	[ASK_DELETE] =
		"if redis.call('DEL', KEYS[1]) == 0 then return 3 end "
		"redis.call('PUBLISH', KEYS[1], '') return 0",
	[ASK_ADD] =
		"local had = redis.call('EXISTS', KEYS[1]) "
		"redis.call('INCRBY', KEYS[1], ARGV[1]) "
		"if had == 0 and ARGV[2] ~= '0' then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end "
		"redis.call('PUBLISH', KEYS[1], '') "
		"return redis.call('GET', KEYS[1])",
};
#define N_SCRIPTS 4
static const int refusals[] = { 0, -ESTALE, -EDOM, -ENOENT };

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
	char		 shas[ASK_SCAN][SHA_BYTES];	/* "" = not known yet */
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

static struct link_word word_of(const char *text)
{
	return (struct link_word){ text, strlen(text) };
}

static unsigned name_script(enum ask ask, struct link_word words[])
{
	bool known = ring.shas[ask][0];

	words[0] = word_of(known ? "EVALSHA" : "EVAL");
	words[1] = known ? (struct link_word){ ring.shas[ask], SHA_BYTES } : word_of(scripts[ask]);
	words[2] = word_of("1");
	return 3;
}

/* A version that no other value has: 63 bits by chance, but 0. */
static int make_head(char head[VALUE_HEAD])
{
	uint64_t version;

	if (getrandom(&version, sizeof(version), 0) != sizeof(version))
		return -EAGAIN;
	version = version >> 1 | 1;
	head[0] = '=';
	memcpy(head + 1, &version, sizeof(version));
	return 0;
}

static int write_value(struct redis_link *l, const struct question *q, const struct link_word *key)
{
	static char value[VALUE_HEAD + VALUE_MAX];
	char ttl[DIGITS_BYTES];
	struct link_word words[8];
	unsigned n = name_script(q->ask, words);
	int r = make_head(value);

	if (r < 0)
		return r;
	if (q->len > 0)
		memcpy(value + VALUE_HEAD, q->value, q->len);
	words[n++] = *key;
	words[n++] = (struct link_word){ value, VALUE_HEAD + q->len };
	words[n++] = (struct link_word){ ttl, (size_t)snprintf(ttl, sizeof(ttl), "%" PRIu64, q->ttl_ms) };
	if (q->ask == ASK_CAS)
		words[n++] = (struct link_word){ &q->version, q->version ? sizeof(q->version) : 0 };
	return redis_link_write(l, words, n);
}

static int write_addition(struct redis_link *l, const struct question *q, const struct link_word *key)
{
	char number[DIGITS_BYTES], ttl[DIGITS_BYTES];
	struct link_word words[8];
	unsigned n = name_script(q->ask, words);

	words[n++] = *key;
	words[n++] = (struct link_word){ number, (size_t)snprintf(number, sizeof(number), "%" PRId64, q->n) };
	words[n++] = (struct link_word){ ttl, (size_t)snprintf(ttl, sizeof(ttl), "%" PRIu64, q->ttl_ms) };
	return redis_link_write(l, words, n);
}

static int write_scan(struct redis_link *l, const struct question *q)
{
	char pattern[REDIS_PATTERN_MAX], cursor[DIGITS_BYTES];
	const struct link_word words[] = {
		word_of("SCAN"), { cursor, (size_t)snprintf(cursor, sizeof(cursor), "%" PRIu64, q->cursor) },
		word_of("MATCH"), { pattern, redis_pattern(l->settings, &q->key, pattern) },
		word_of("COUNT"), word_of(SCAN_COUNT),
	};

	return redis_link_write(l, words, sizeof(words) / sizeof(words[0]));
}

static int write_question(struct redis_link *l, const struct question *q)
{
	char name[REDIS_KEY_MAX];
	struct link_word words[8];
	struct link_word key = { name, q->ask == ASK_SCAN ? 0 : redis_key(l->settings, &q->key, name) };
	unsigned n;

	switch (q->ask) {
	case ASK_SCAN:
		return write_scan(l, q);
	case ASK_ADD:
		return write_addition(l, q, &key);
	case ASK_SET:
	case ASK_CAS:
		return write_value(l, q, &key);
	case ASK_GET:
		words[0] = word_of("GET");
		words[1] = key;
		return redis_link_write(l, words, 2);
	default:
		n = name_script(q->ask, words);
		words[n++] = key;
		return redis_link_write(l, words, n);
	}
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
		r = write_question(l, q);
	if (r < 0) {
		if (r == -EAGAIN)
			state_counts.refusals++;
		return r;
	}
	*place(ring.end) = (struct waiting){ fn, arg, l->reactor->engine->now_ms + l->settings->timeout_ms, q->ask };
	*ret_id = ring.end++;
	redis_link_expect(l);
	if (q->ask == ASK_GET || q->ask == ASK_SCAN)
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

static bool begins_with(const redisReply *reply, const char *text)
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
	if (begins_with(reply, "WRONGTYPE") || has(reply, "WRONGTYPE") || has(reply, "not an integer"))
		return -EDOM;
	if (has(reply, "would overflow"))
		return -ERANGE;
	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++)
		if (begins_with(reply, later[i]))
			return -EAGAIN;
	return -EIO;
}

/* A value of ours, or a counter's digits. */
static int read_value(const redisReply *reply, struct brood_state_answer *a)
{
	char digits[DIGITS_BYTES], *end;
	size_t len = (size_t)reply->len;

	if (len >= VALUE_HEAD && reply->str[0] == '=') {
		memcpy(&a->version, reply->str + 1, sizeof(a->version));
		a->value = reply->str + VALUE_HEAD;
		a->len = len - VALUE_HEAD;
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

/* Return: whether it is an answer to @ask. */
static bool read_answer(const struct redis_link *l, enum ask ask, const redisReply *reply, struct brood_state_answer *a)
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
	case ASK_SCAN:
		return read_keys(l, reply, keys, a);
	default:
		if (reply->type != REDIS_REPLY_INTEGER || reply->integer < 0 || reply->integer > 3)
			return false;
		a->error = refusals[reply->integer];
		return true;
	}
}

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
	if (!read_answer(l, w.ask, reply, &a))
		return false;
	if (a.error == -ENOSPC)
		state_counts.refusals++;
	if (reply->type == REDIS_REPLY_ERROR && begins_with(reply, "NOSCRIPT"))
		memset(ring.shas, 0, sizeof(ring.shas));	/* somebody has flushed them: they are sent whole */
	ring.first++;
	tell(&w, &a);
	return true;
}

/* ---- the connection ---- */

static unsigned greet(struct redis_link *l)
{
	unsigned n = 0;

	for (enum ask i = ASK_SET; i <= ASK_ADD; i++) {
		const struct link_word words[] = { word_of("SCRIPT"), word_of("LOAD"), word_of(scripts[i]) };

		n += redis_link_write(l, words, 3) == 0;
	}
	return n;
}

static void on_greeted(struct redis_link *l, unsigned n_left, const redisReply *reply)
{
	if (n_left < N_SCRIPTS && is_string(reply) && reply->len == SHA_BYTES)
		memcpy(ring.shas[ASK_ADD - n_left], reply->str, SHA_BYTES);
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
}

static uint64_t deadline_ms(const struct redis_link *l)
{
	return ring.first == ring.end ? ENGINE_NEVER : place(ring.first)->deadline_ms;
}

const struct link_ops redis_ask_ops = {
	.greet = greet,
	.on_greeted = on_greeted,
	.on_ready = on_ready,
	.on_reply = on_reply,
	.on_down = on_down,
	.deadline_ms = deadline_ms,
};
