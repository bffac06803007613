/* SPDX-License-Identifier: MIT */
/* Whatever is asked has the same answer wherever the store is, on both engines. */
#include "state/loop.h"
#include "state/server.h"

#include <errno.h>

static char url[128];

static void values(void)
{
	static unsigned char value[BROOD_STATE_VALUE_MAX + 1];
	uint64_t first;

	assert_int_equal(GET("k"), -ENOENT);
	assert_int_equal(SET("k", "a\0b\r\n", 5, 0), 0);
	assert_int_equal(GET("k"), 0);
	assert_int_equal(kept.len, 5);
	assert_memory_equal(kept.value, "a\0b\r\n", 5);
	first = kept.version;
	assert_true(first != 0);
	assert_int_equal(SET("k", "", 0, 0), 0);
	assert_int_equal(GET("k"), 0);
	assert_int_equal(kept.len, 0);
	assert_true(kept.version != first);
	for (size_t len = 4; len <= BROOD_STATE_VALUE_MAX; len = len < 1000 ? len + 61 : len * 2) {
		fill(value, len, (uint32_t)len);
		assert_int_equal(SET("k", value, len, 0), 0);
		assert_int_equal(GET("k"), 0);
		assert_int_equal(kept.len, len);
		assert_memory_equal(kept.value, value, len);
	}
	assert_int_equal(SET("k", value, BROOD_STATE_VALUE_MAX, 0), 0);
	assert_int_equal(SET("k", value, BROOD_STATE_VALUE_MAX + 1, 0), -EMSGSIZE);
	assert_int_equal(GET("k"), 0);
	assert_int_equal(kept.len, BROOD_STATE_VALUE_MAX);
	assert_int_equal(DELETE("k"), 0);
	assert_int_equal(DELETE("k"), -ENOENT);
	assert_int_equal(GET("k"), -ENOENT);
}

static void keys(void)
{
	static const char *const odd[] = { "a b", "\r\n", "*?[a]\\^", "{}:", "\xff\xfe", "=", "1" };
	char longest[BROOD_STATE_KEY_MAX + 2];

	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(GET(""), -EINVAL);
	assert_int_equal(SET(longest, "", 0, 0), -EINVAL);
	longest[sizeof(longest) - 2] = '\0';
	assert_int_equal(SET(longest, "1", 1, 0), 0);
	assert_int_equal(GET(longest), 0);
	assert_int_equal(DELETE(longest), 0);
	for (unsigned i = 0; i < 7; i++)
		assert_int_equal(SET(odd[i], odd[i], strlen(odd[i]), 0), 0);
	for (unsigned i = 0; i < 7; i++) {
		assert_int_equal(GET(odd[i]), 0);
		assert_int_equal(kept.len, strlen(odd[i]));
		assert_memory_equal(kept.value, odd[i], kept.len);
		assert_int_equal(DELETE(odd[i]), 0);
	}
}

static void comparing(void)
{
	uint64_t version;

	assert_int_equal(CAS("c", 1, "x", 1, 0), -ESTALE);
	assert_int_equal(GET("c"), -ENOENT);
	assert_int_equal(CAS("c", 0, "one", 3, 0), 0);
	assert_int_equal(CAS("c", 0, "two", 3, 0), -ESTALE);
	assert_int_equal(GET("c"), 0);
	assert_memory_equal(kept.value, "one", 3);
	version = kept.version;
	assert_int_equal(CAS("c", version, "two", 3, 0), 0);
	assert_int_equal(CAS("c", version, "three", 5, 0), -ESTALE);
	assert_int_equal(GET("c"), 0);
	assert_memory_equal(kept.value, "two", 3);
	version = kept.version;
	assert_int_equal(SET("c", "two", 3, 0), 0);
	assert_int_equal(CAS("c", version, "three", 5, 0), -ESTALE);	/* the same value, but written since */
	assert_int_equal(DELETE("c"), 0);
	assert_int_equal(CAS("c", version, "three", 5, 0), -ESTALE);
}

static void counters(void)
{
	assert_int_equal(ADD("n", 5, 0), 0);
	assert_int_equal(kept.number, 5);
	assert_int_equal(ADD("n", -7, 0), 0);
	assert_int_equal(kept.number, -2);
	assert_int_equal(ADD("n", 0, 0), 0);
	assert_int_equal(kept.number, -2);
	assert_int_equal(GET("n"), 0);
	assert_int_equal(kept.len, 2);
	assert_memory_equal(kept.value, "-2", 2);
	assert_int_equal(kept.number, -2);
	assert_int_equal(kept.version, 0);
	assert_int_equal(CAS("n", 0, "x", 1, 0), -ESTALE);
	assert_int_equal(CAS("n", 7, "x", 1, 0), -EDOM);
	assert_int_equal(ADD("m", INT64_MAX, 0), 0);
	assert_true(kept.number == INT64_MAX);
	assert_int_equal(ADD("m", 1, 0), -ERANGE);
	assert_int_equal(ADD("m", -1, 0), 0);
	assert_true(kept.number == INT64_MAX - 1);
	assert_int_equal(ADD("l", INT64_MIN, 0), 0);
	assert_true(kept.number == INT64_MIN);
	assert_int_equal(SET("n", "12", 2, 0), 0);
	assert_int_equal(ADD("n", 1, 0), -EDOM);
	assert_int_equal(DELETE("n"), 0);
	assert_int_equal(DELETE("m"), 0);
	assert_int_equal(DELETE("l"), 0);
}

#define LIFE_MS 1000	/* a loaded machine may stop for some of it */

static void expiry(void)
{
	assert_int_equal(SET("e", "x", 1, LIFE_MS), 0);
	assert_int_equal(ADD("f", 1, LIFE_MS), 0);
	assert_int_equal(CAS("g", 0, "x", 1, LIFE_MS), 0);
	assert_int_equal(SET("h", "x", 1, LIFE_MS), 0);
	assert_int_equal(SET("h", "y", 1, 0), 0);		/* which lives without end */
	loop_for(LIFE_MS / 10);
	assert_int_equal(ADD("f", 1, 10000), 0);		/* and does not live longer */
	assert_int_equal(kept.number, 2);
	assert_int_equal(GET("e"), 0);
	loop_for(LIFE_MS);
	assert_int_equal(GET("e"), -ENOENT);
	assert_int_equal(GET("f"), -ENOENT);
	assert_int_equal(GET("g"), -ENOENT);
	assert_int_equal(CAS("g", 0, "x", 1, 0), 0);
	assert_int_equal(ADD("f", 1, 0), 0);
	assert_int_equal(kept.number, 1);
	assert_int_equal(GET("h"), 0);
	assert_int_equal(DELETE("f"), 0);
	assert_int_equal(DELETE("g"), 0);
	assert_int_equal(DELETE("h"), 0);
}

#define SCANNED 1000
static unsigned n_seen[SCANNED], n_others;
static uint64_t cursor;
static bool scanned;

static void on_keys(struct brood_request *request, const struct brood_state_answer *answer, void *arg)
{
	assert_int_equal(answer->error, 0);
	for (size_t i = 0; i < answer->n_keys; i++) {
		unsigned n;

		if (sscanf(answer->keys[i], "s*%u", &n) == 1 && n < SCANNED)
			n_seen[n]++;
		else
			n_others++;
	}
	cursor = answer->cursor;
	scanned = true;
}

static void scan(const char *prefix)
{
	memset(n_seen, 0, sizeof(n_seen));
	n_others = 0;
	cursor = 0;
	do {
		scanned = false;
		assert_int_equal(brood_state_scan_async(NULL, prefix, cursor, on_keys, NULL), 0);
		while (!scanned)
			loop_turn(clock_ms() + PATIENCE_MS);
	} while (cursor != 0);
}

static void scanning(void)
{
	char key[16];

	scan("");
	assert_int_equal(n_others, 0);
	assert_int_equal(SET("sx", "", 0, 0), 0);	/* no "s*" */
	for (unsigned i = 0; i < SCANNED; i++) {
		snprintf(key, sizeof(key), "s*%u", i);
		assert_int_equal(SET(key, "", 0, 0), 0);
	}
	scan("s*");
	assert_int_equal(n_others, 0);
	for (unsigned i = 0; i < SCANNED; i++)
		assert_true(n_seen[i] >= 1);
	scan("");
	assert_true(n_others >= 1);
	for (unsigned i = 0; i < SCANNED; i++) {
		assert_true(n_seen[i] >= 1);
		snprintf(key, sizeof(key), "s*%u", i);
		assert_int_equal(DELETE(key), 0);
	}
	assert_int_equal(DELETE("sx"), 0);
}

static unsigned n_told, n_told_prefix;
static struct brood_watch *mine;

static void on_told(const char *key, void *arg)
{
	assert_string_equal(key, "w[1]");
	n_told++;
}

static void on_told_prefix(const char *key, void *arg)
{
	if (key)
		assert_memory_equal(key, "w[", 2);
	n_told_prefix++;
}

static void on_mine(const char *key, void *arg)
{
	brood_state_unwatch(mine);
	(*(unsigned *)arg)++;
}

static void watching(void)
{
	unsigned n_mine = 0, before, before_prefix;
	struct brood_watch *one, *two, *all;

	assert_int_equal(brood_state_watch("w[1]", on_told, NULL, &one), 0);
	assert_int_equal(brood_state_watch("w[1]", on_told, NULL, &two), 0);
	assert_int_equal(brood_state_watch_prefix("w[", on_told_prefix, NULL, &all), 0);
	loop_for(100);
	before = n_told;
	before_prefix = n_told_prefix;
	assert_int_equal(SET("w[1]", "x", 1, 0), 0);
	loop_for(50);
	assert_int_equal(n_told, before + 2);
	assert_int_equal(n_told_prefix, before_prefix + 1);
	assert_int_equal(SET("w1", "x", 1, 0), 0);
	assert_int_equal(DELETE("w1"), 0);
	loop_for(50);
	assert_int_equal(n_told, before + 2);
	assert_int_equal(n_told_prefix, before_prefix + 1);
	brood_state_unwatch(one);
	assert_int_equal(DELETE("w[1]"), 0);
	assert_int_equal(ADD("w[2]", 1, 0), 0);
	loop_for(50);
	assert_int_equal(n_told, before + 3);
	assert_int_equal(n_told_prefix, before_prefix + 3);
	brood_state_unwatch(two);
	brood_state_unwatch(all);
	assert_int_equal(ADD("w[2]", 1, 0), 0);
	assert_int_equal(SET("w[1]", "x", 1, 0), 0);
	loop_for(50);
	assert_int_equal(n_told, before + 3);
	assert_int_equal(n_told_prefix, before_prefix + 3);
	assert_int_equal(brood_state_watch("mine", on_mine, &n_mine, &mine), 0);
	assert_int_equal(SET("mine", "", 0, 0), 0);
	loop_for(50);
	assert_int_equal(SET("mine", "", 0, 0), 0);
	loop_for(50);
	assert_int_equal(n_mine, 1);
	assert_int_equal(DELETE("mine"), 0);
	assert_int_equal(DELETE("w[1]"), 0);
	assert_int_equal(DELETE("w[2]"), 0);
}

#define MANY 5000
static unsigned n_many;

static void on_many(struct brood_request *request, const struct brood_state_answer *answer, void *arg)
{
	assert_int_equal(answer->error, 0);
	assert_int_equal(answer->number, (int64_t)(uintptr_t)arg);
	n_many++;
}

static void many_at_once(void)
{
	n_many = 0;
	for (unsigned i = 1; i <= MANY; i++)
		assert_int_equal(brood_state_add_async(NULL, "many", 1, 0, on_many, (void *)(uintptr_t)i), 0);
	for (uint64_t end_ms = clock_ms() + PATIENCE_MS; n_many < MANY && clock_ms() < end_ms;)
		loop_turn(end_ms);
	assert_int_equal(n_many, MANY);
	assert_int_equal(DELETE("many"), 0);
}

static void suite(struct engine *e, struct state *st)
{
	loop_open(e, st);
	if (state_is_remote(st))
		assert_int_equal(brood_state_set("k", "", 0, 0), -ENOTSUP);
	values();
	keys();
	comparing();
	counters();
	expiry();
	scanning();
	watching();
	many_at_once();
	loop_close(st);
}

static struct state *redis_make(const char *where, const char *prefix)
{
	const char *why = "";
	struct state *st = NULL;

	if (state_create_redis(where, prefix, 2000, &st, &why) < 0) {
		printf("%s\n", why);
		exit(77);
	}
	return st;
}

static void in_memory_and_on_redis(struct engine *e)
{
	struct server server;

	suite(e, store_make(MIB, false));
	server_need();
	server = server_start(0);
	snprintf(url, sizeof(url), "redis://:s%%3acr%%40t@127.0.0.1:%d/3", server.port);
	suite(e, redis_make(url, "a*[b:"));
	server_stop(&server);
}

TEST_ON_ENGINES(in_memory_and_on_redis)
