/* SPDX-License-Identifier: MIT */
/*
 * Whoever reads again what it is told of has what is there, on both engines, however fast others write and wherever they
 * are killed; and nobody is woken for nothing.
 */
#include "state/store.h"	/* before cmocka, whose macro skip() would be in its way */

#include "engine/engines.h"
#include "reactor/reactor.h"

#include <sys/wait.h>
#include <time.h>

#define KEYS 40
#define KILLS 40

static struct reactor reactor;
static unsigned n_told;

/* What this process believes. */
static struct copy {
	char	key[32];
	char	value[64];
	int	len;
} copies[KEYS];

static void look(struct copy *copy)
{
	copy->len = brood_state_get(copy->key, copy->value, sizeof(copy->value), NULL);
}

static void on_key(const char *key, void *arg)
{
	struct copy *copy = arg;

	n_told++;
	assert_string_equal(key, copy->key);
	look(copy);
}

static void on_prefix(const char *key, void *arg)
{
	n_told++;
	for (unsigned i = KEYS / 2; i < KEYS; i++)
		if (!key || strcmp(key, copies[i].key) == 0)
			look(&copies[i]);
}

static void turn_for(uint64_t ms)
{
	uint64_t end_ms = clock_ms() + ms;
	struct completion c;

	do {
		assert_int_equal(engine_turn(reactor.engine, end_ms), 0);
		while (engine_next(reactor.engine, &c))
			if (c.op != OP_IGNORE)
				reactor_on_completion(&reactor, &c);
	} while (reactor.engine->now_ms < end_ms);
}

static void write_one(uint64_t r)
{
	const char *key = copies[r % KEYS].key;
	char value[40];

	r /= KEYS;
	fill((unsigned char *)value, sizeof(value), (uint32_t)r);
	if (r % 4 == 0)
		(void)brood_state_delete(key);
	else if (r % 4 == 1)
		(void)brood_state_add(key, (int64_t)(r >> 40), 0, NULL);
	else
		(void)brood_state_set(key, value, r % 40, 0);
}

static pid_t start_writer(uint64_t random, unsigned n)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	for (unsigned i = 0; i < n; i++) {
		write_one(random_next(&random));
		if (i % 64 == 0)
			nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
	}
	_exit(0);
}

static void expect_copies(void)
{
	char value[64];

	for (unsigned i = 0; i < KEYS; i++) {
		int n = brood_state_get(copies[i].key, value, sizeof(value), NULL);

		assert_int_equal(copies[i].len, n);
		if (n > 0)
			assert_memory_equal(copies[i].value, value, (size_t)n);
	}
}

static void settle(const pid_t writers[], unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		while (waitpid(writers[i], NULL, WNOHANG) == 0)
			turn_for(1);
	turn_for(50);
}

static void follow_writers(uint64_t *random)
{
	pid_t writers[2];

	for (unsigned i = 0; i < 2; i++)
		writers[i] = start_writer(random_next(random), 5000);
	settle(writers, 2);
	expect_copies();
	assert_true(n_told > 500);
}

/* One that is killed before it tells is made up for by the next who writes near. */
static void follow_the_dead(uint64_t *random)
{
	for (unsigned i = 0; i < KILLS; i++) {
		pid_t writer = start_writer(random_next(random), UINT32_MAX);

		turn_for(random_next(random) % 10);
		kill(writer, SIGKILL);
		settle(&writer, 1);
		assert_int_equal(brood_state_set("z", "", 0, 0), 0);
		turn_for(20);
		expect_copies();
	}
}

static void hear_nothing_else(void)
{
	unsigned before;

	turn_for(20);
	before = n_told;
	turn_for(100);
	assert_int_equal(n_told, before);
	assert_int_equal(brood_state_set("other", "", 0, 0), 0);
	assert_int_equal(brood_state_set(copies[1].key, "now", 3, 0), 0);
	turn_for(20);
	assert_int_equal(n_told, before + 1);
	assert_memory_equal(copies[1].value, "now", 3);
}

static struct brood_watch *mine;
static unsigned n_mine;

static void on_mine(const char *key, void *arg)
{
	n_mine++;
	brood_state_unwatch(mine);
	(void)brood_state_set("mine", "again", 5, 0);
}

static void unwatch_inside(void)
{
	assert_int_equal(brood_state_watch("mine", on_mine, NULL, &mine), 0);
	assert_int_equal(brood_state_set("mine", "", 0, 0), 0);
	turn_for(30);
	assert_int_equal(n_mine, 1);
}

static void follow(struct engine *e)
{
	struct state *st = store_make(MIB, false);
	uint64_t random = 7;

	n_told = n_mine = 0;
	reactor_init(&reactor, e);
	for (unsigned i = 0; i < KEYS; i++)
		snprintf(copies[i].key, sizeof(copies[i].key), "%c%u", i < KEYS / 2 ? 'k' : 'p', i);
	assert_int_equal(brood_state_watch_prefix("p", on_prefix, NULL, NULL), 0);	/* before there is a loop */
	state_serve(st, &reactor);
	for (unsigned i = 0; i < KEYS; i++) {
		if (i < KEYS / 2)
			assert_int_equal(brood_state_watch(copies[i].key, on_key, &copies[i], NULL), 0);
		look(&copies[i]);
	}
	follow_writers(&random);
	follow_the_dead(&random);
	hear_nothing_else();
	unwatch_inside();
	state_destroy(st);
	reactor_finish(&reactor);
}

TEST_ON_ENGINES(follow)
