/* SPDX-License-Identifier: MIT */
/*
 * redis_question - what is asked, as commands
 *
 * What writes is a script each, so that a change and the news of it are one. They are loaded when a connection begins,
 * and named by their hashes; one whose hash is not known is sent whole.
 */
#include "state/redis.h"

#include "state/room.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define DIGITS_BYTES 24
#define SCAN_COUNT "64"

#define WRITE_IT \
	"if ARGV[2] == '0' then redis.call('SET', KEYS[1], ARGV[1]) " \
	"else redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end " \
	"redis.call('PUBLISH', KEYS[1], '') return 0"

/* Each takes one key; a number returned is one of refusals[]. A sum is read back, because Lua would round it. */
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
	/* One of the same process, whose answer was lost, and one that ARGV[3] names, are as good as none. */
	[ASK_LEASE] =
		"local v = redis.call('GET', KEYS[1]) "
		"if v and string.sub(v, 10) ~= string.sub(ARGV[1], 10) and string.sub(v, 2, 9) ~= ARGV[3] then "
		"return {v, redis.call('PTTL', KEYS[1])} end "
		"redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) "
		"return string.sub(ARGV[1], 2, 9)",
	/* Where there is no room for it the lease goes, and somebody else may try. */
	[ASK_KEEP] =
		"local v = redis.call('GET', KEYS[1]) "
		"if not v or string.sub(v, 2, 9) ~= ARGV[3] then return 1 end "
		"if #ARGV[1] <= 9 or redis.pcall('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])['err'] then "
		"redis.call('DEL', KEYS[1]) end "
		"redis.call('PUBLISH', KEYS[1], '') return 0",
};

static char shas[ASK_SCAN][REDIS_SHA_BYTES];	/* "" = not known yet */

static struct link_word word_of(const char *text)
{
	return (struct link_word){ text, strlen(text) };
}

static unsigned name_script(enum ask ask, struct link_word words[])
{
	bool known = shas[ask][0];

	words[0] = word_of(known ? "EVALSHA" : "EVAL");
	words[1] = known ? (struct link_word){ shas[ask], REDIS_SHA_BYTES } : word_of(scripts[ask]);
	words[2] = word_of("1");
	return 3;
}

/* A version that no other value has: 63 bits by chance, but 0. */
static int make_head(char head[REDIS_VALUE_HEAD])
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
	static char value[REDIS_VALUE_HEAD + VALUE_MAX];
	char ttl[DIGITS_BYTES];
	struct link_word words[8];
	unsigned n = name_script(q->ask, words);
	int r = make_head(value);

	if (r < 0)
		return r;
	if (q->len > 0)
		memcpy(value + REDIS_VALUE_HEAD, q->value, q->len);
	words[n++] = *key;
	words[n++] = (struct link_word){ value, REDIS_VALUE_HEAD + q->len };
	words[n++] = (struct link_word){ ttl, (size_t)snprintf(ttl, sizeof(ttl), "%" PRIu64, q->ttl_ms) };
	if (q->ask != ASK_SET)
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

int redis_question_write(struct redis_link *l, const struct question *q)
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
	case ASK_LEASE:
	case ASK_KEEP:
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

/* ---- scripts ---- */

unsigned redis_scripts_load(struct redis_link *l)
{
	unsigned n = 0;

	for (enum ask i = ASK_SET; i < ASK_SCAN; i++) {
		const struct link_word words[] = { word_of("SCRIPT"), word_of("LOAD"), word_of(scripts[i]) };

		n += redis_link_write(l, words, 3) == 0;
	}
	return n;
}

void redis_script_loaded(unsigned n_left, const char *sha)
{
	if (n_left < ASK_SCAN - ASK_SET)
		memcpy(shas[ASK_SCAN - 1 - n_left], sha, REDIS_SHA_BYTES);
}

void redis_scripts_forget(void)
{
	memset(shas, 0, sizeof(shas));
}
