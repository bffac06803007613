/* SPDX-License-Identifier: MIT */
/* What is watched is told of input and of room, and of nothing once it has ended, though its place is another's by then. */
#include "engine/engines.h"
#include "reactor/reactor.h"

#include <fcntl.h>

#define N_PIPES 20

struct end {
	struct reactor	*reactor;
	struct watch	*watch;
	unsigned	 n_called, n_rooms, n_bytes;
	bool		 ends_itself;
};

static void on_readable(void *arg)
{
	struct end *end = arg;
	char bytes[64];
	ssize_t n;

	end->n_called++;
	while ((n = read(watch_fd(end->watch), bytes, sizeof(bytes))) > 0)
		end->n_bytes += (unsigned)n;
}

static void on_room(void *arg)
{
	struct end *end = arg;

	end->n_rooms++;
	if (end->ends_itself)
		reactor_unwatch(end->reactor, end->watch);
}

static void on_alarm(void *arg)
{
	unsigned *n_rung = arg;

	(*n_rung)++;
}

static void turn_until(struct reactor *reactor, uint64_t ms)
{
	uint64_t end_ms = clock_ms() + ms;
	struct completion c;

	do {
		uint64_t next = reactor_next_ms(reactor);

		assert_int_equal(engine_turn(reactor->engine, next < end_ms ? next : end_ms), 0);
		while (engine_next(reactor->engine, &c))
			if (c.op != OP_IGNORE)
				reactor_on_completion(reactor, &c);
		reactor_expire(reactor);
	} while (reactor->engine->now_ms < end_ms);
}

static void hear_of_input(struct reactor *reactor, struct end *ends, int (*pipes)[2])
{
	for (int i = 0; i < N_PIPES; i++) {
		assert_int_equal(pipe2(pipes[i], O_NONBLOCK | O_CLOEXEC), 0);
		ends[i] = (struct end){ .reactor = reactor };
		ends[i].watch = reactor_watch(reactor, pipes[i][0], on_readable, &ends[i]);
		assert_non_null(ends[i].watch);
	}
	for (int round = 1; round <= 3; round++) {
		for (int i = 0; i < N_PIPES; i++)
			assert_int_equal(write(pipes[i][1], "0123456789", 10), 10);
		turn_until(reactor, 20);
		for (int i = 0; i < N_PIPES; i++)
			assert_int_equal(ends[i].n_bytes, 10 * round);
	}
}

static void hear_of_room(struct reactor *reactor)
{
	char block[4096] = "";
	struct end end = { .reactor = reactor };
	int fds[2];

	assert_int_equal(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
	end.watch = reactor_hold(reactor, fds[1], NULL, &end);
	while (write(fds[1], block, sizeof(block)) > 0)
		;
	reactor_await_room(reactor, end.watch, on_room);
	turn_until(reactor, 20);
	assert_int_equal(end.n_rooms, 0);
	for (int i = 0; i < 16; i++)
		assert_int_equal(read(fds[0], block, sizeof(block)), sizeof(block));
	turn_until(reactor, 20);
	assert_int_equal(end.n_rooms, 1);
	while (write(fds[1], block, sizeof(block)) > 0)
		;
	reactor_await_room(reactor, end.watch, on_room);
	reactor_unwatch(reactor, end.watch);
	close(fds[0]);
	turn_until(reactor, 20);
	assert_int_equal(end.n_rooms, 1);
}

/* By what it calls: its place is free once. */
static void end_itself(struct reactor *reactor)
{
	struct end end = { .reactor = reactor, .ends_itself = true }, others[2];
	int fds[2];
	uint32_t n_open = reactor->n_open;

	assert_int_equal(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
	end.watch = reactor_hold(reactor, fds[1], NULL, &end);
	reactor_await_room(reactor, end.watch, on_room);
	turn_until(reactor, 20);
	assert_int_equal(end.n_rooms, 1);
	assert_int_equal(reactor->n_open, n_open);
	others[0].watch = reactor_hold(reactor, fds[0], NULL, &others[0]);
	others[1].watch = reactor_hold(reactor, dup(fds[0]), NULL, &others[1]);
	assert_ptr_not_equal(others[0].watch, others[1].watch);
	reactor_unwatch(reactor, others[0].watch);
	reactor_unwatch(reactor, others[1].watch);
}

static void watches_and_alarms_call(struct engine *e)
{
	struct end ends[N_PIPES];
	int pipes[N_PIPES][2];
	unsigned n_rung = 0;
	struct alarm alarm = { .fn = on_alarm, .arg = &n_rung }, never = alarm;
	struct reactor reactor;

	reactor_init(&reactor, e);
	hear_of_input(&reactor, ends, pipes);
	hear_of_room(&reactor);
	end_itself(&reactor);
	reactor_alarm(&reactor, &alarm, e->now_ms + 30);
	reactor_alarm(&reactor, &never, e->now_ms + 30);
	reactor_alarm(&reactor, &never, ENGINE_NEVER);
	turn_until(&reactor, 15);
	assert_int_equal(n_rung, 0);
	turn_until(&reactor, 60);
	assert_int_equal(n_rung, 1);
	for (int i = 0; i < N_PIPES; i++) {
		assert_int_equal(write(pipes[i][1], "x", 1), 1);
		reactor_unwatch(&reactor, ends[i].watch);
	}
	turn_until(&reactor, 20);
	for (int i = 0; i < N_PIPES; i++) {
		assert_int_equal(ends[i].n_bytes, 30);
		close(pipes[i][1]);
	}
	assert_int_equal(reactor.n_open, 0);
	hear_of_input(&reactor, ends, pipes);
	for (int i = 0; i < N_PIPES; i++)
		close(pipes[i][1]);
	reactor_finish(&reactor);
}

TEST_ON_ENGINES(watches_and_alarms_call)
