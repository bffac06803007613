/* SPDX-License-Identifier: MIT */
/*
 * On Redis, too, one loads: where it dies, in another pool, one of those who wait does when its lease has ended; where it
 * is too slow its result is dropped; a lease whose answer was lost is found again; and who waits for a server that goes
 * is told so.
 */
#include "state/loop.h"
#include "state/server.h"

#include <errno.h>

#define LEASE_MS 600
#define TIMEOUT_MS 1000	/* others may have the machine for a while */

static struct server server;
static struct got {
	unsigned n;
	int	error;
	size_t	len;
	char	value[BROOD_ONCE_VALUE_MAX + 1];
} got;
static unsigned n_loads;
static struct brood_load *loading;

static void on_got(int error, const void *value, size_t len, void *arg)
{
	got.n++;
	got.error = error;
	got.len = len;
	if (len > 0)
		memcpy(got.value, value, len);
}

static void load_now(struct brood_load *load, const char *key, void *arg)
{
	n_loads++;
	brood_load_end(load, 0, arg, strlen(arg));
}

static void load_later(struct brood_load *load, const char *key, void *arg)
{
	n_loads++;
	loading = load;
}

static void ask(const char *key, brood_load_fn *load, const char *value, struct brood_once **ret_once)
{
	const struct brood_loader loader = {
		.size = sizeof(loader), .ttl_ms = 60000, .timeout_ms = LEASE_MS, .load = load, .arg = (void *)value,
	};

	assert_int_equal(brood_once(&loader, key, on_got, NULL, ret_once), 0);
}

/* Of the last one. */
static void wait_until_got(unsigned n)
{
	for (uint64_t end_ms = clock_ms() + PATIENCE_MS; got.n < n;) {
		assert_true(clock_ms() < end_ms);
		loop_turn(end_ms);
	}
	got.n = 0;
}

static void wait_until_loading(void)
{
	for (uint64_t end_ms = clock_ms() + PATIENCE_MS; !loading;) {
		assert_true(clock_ms() < end_ms);
		loop_turn(end_ms);
	}
}

static void got_value(const char *value)
{
	assert_int_equal(got.error, 0);
	assert_int_equal(got.len, strlen(value));
	assert_memory_equal(got.value, value, got.len);
}

static struct state *redis_make(void)
{
	char where[64];
	const char *why = "";
	struct state *st = NULL;

	snprintf(where, sizeof(where), "redis://:s%%3acr%%40t@127.0.0.1:%d", server.port);
	if (state_create_redis(where, "t:", TIMEOUT_MS, &st, &why) < 0) {
		printf("%s\n", why);
		exit(77);
	}
	return st;
}

/* A worker of another pool takes the lease of @key and tells; then, @late_ms after that, its load ends, or it sleeps on. */
static pid_t stranger(const char *key, uint64_t late_ms)
{
	int pipe_fds[2];
	char byte;
	pid_t pid;

	loop_for(20);	/* the child is not to wait for our answers */
	assert_int_equal(pipe(pipe_fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct engine *e = NULL;
		struct brood_once *once;
		char why[128];

		if (engine_create(ENGINE_EPOLL, &e, why, sizeof(why)) < 0)
			_exit(1);
		loop_open(e, redis_make());
		ask(key, load_later, NULL, &once);
		wait_until_loading();
		brood_once_cancel(once);	/* or it would load again, too, when its time is over */
		if (write(pipe_fds[1], "", 1) != 1)
			_exit(1);
		loop_for(late_ms);
		brood_load_end(loading, 0, "late", 4);
		loop_for(100);
		_exit(0);
	}
	close(pipe_fds[1]);
	assert_int_equal(read(pipe_fds[0], &byte, 1), 1);
	close(pipe_fds[0]);
	return pid;
}

/* The second time there is a value; many at a time share one load. */
static void values(void)
{
	static char longest[BROOD_ONCE_VALUE_MAX + 2];

	n_loads = 0;
	for (unsigned i = 0; i < 100; i++)
		ask("v", load_now, "one", NULL);
	wait_until_got(100);
	got_value("one");
	ask("v", load_now, "two", NULL);
	wait_until_got(1);
	got_value("one");
	assert_int_equal(n_loads, 1);
	memset(longest, 'x', BROOD_ONCE_VALUE_MAX);
	longest[BROOD_ONCE_VALUE_MAX] = '\0';
	ask("long", load_now, longest, NULL);
	wait_until_got(1);
	ask("long", load_now, "short", NULL);
	wait_until_got(1);
	got_value(longest);
	longest[BROOD_ONCE_VALUE_MAX] = 'x';
	ask("longer", load_now, longest, NULL);
	wait_until_got(1);
	assert_int_equal(got.error, -EMSGSIZE);
}

static void another_ones_death(void)
{
	uint64_t began_ms = clock_ms();
	pid_t pid = stranger("d", PATIENCE_MS);

	n_loads = 0;
	ask("d", load_now, "mine", NULL);
	loop_for(LEASE_MS / 3);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	wait_until_got(1);
	got_value("mine");
	assert_int_equal(n_loads, 1);
	assert_true(clock_ms() - began_ms >= LEASE_MS);
}

static void one_that_is_told(void)
{
	pid_t pid = stranger("t", LEASE_MS / 3);

	n_loads = 0;
	ask("t", load_now, "mine", NULL);
	wait_until_got(1);
	got_value("late");
	assert_int_equal(n_loads, 0);
	waitpid(pid, NULL, 0);
}

static void one_too_late(void)
{
	pid_t pid = stranger("l", LEASE_MS * 3 / 2);
	int status;

	ask("l", load_now, "mine", NULL);
	wait_until_got(1);
	got_value("mine");
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	ask("l", load_now, "another", NULL);
	wait_until_got(1);
	got_value("mine");
}

/* Who has left by the time that the answer comes has the lease nevertheless, and loads. */
static void one_who_leaves(void)
{
	struct brood_once *once;

	n_loads = 0;
	ask("c", load_now, "left", &once);
	brood_once_cancel(once);
	loop_for(50);
	assert_int_equal(n_loads, 1);
	assert_int_equal(got.n, 0);
	ask("c", load_now, "came", NULL);
	wait_until_got(1);
	got_value("left");
}

static void lost_answers(void)
{
	uint64_t began_ms;

	kill(server.pid, SIGSTOP);
	ask("a", load_now, "lost", NULL);
	wait_until_got(1);
	assert_int_equal(got.error, -ETIMEDOUT);
	kill(server.pid, SIGCONT);
	began_ms = clock_ms();
	do {	/* it may take a while to come to itself */
		loop_for(10);
		ask("a", load_now, "found", NULL);
		wait_until_got(1);
	} while ((got.error == -EAGAIN || got.error == -ETIMEDOUT) && clock_ms() < began_ms + PATIENCE_MS);
	got_value("found");
}

static void lost_server(void)
{
	pid_t pid = stranger("s", PATIENCE_MS);

	ask("s", load_now, "mine", NULL);
	loop_for(LEASE_MS / 3);
	assert_int_equal(got.n, 0);
	server_stop(&server);
	loop_for(LEASE_MS / 3);
	assert_int_equal(got.n, 1);
	assert_int_equal(got.error, -EAGAIN);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void all(struct engine *e)
{
	struct state *st;

	server_need();
	server = server_start(0);
	st = redis_make();
	loop_open(e, st);
	values();
	another_ones_death();
	one_that_is_told();
	one_too_late();
	one_who_leaves();
	lost_answers();
	lost_server();
	loop_close(st);
}

TEST_ON_ENGINES(all)
