/* SPDX-License-Identifier: MIT */
/* SEND_THEN_CLOSE: closed when all was sent, and only then. */
#include "engine/engines.h"

#include <fcntl.h>

static char many[4 << 20];

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void close_behind_all(struct engine *e, int n_pieces)
{
	struct iovec pieces[2] = { { many, 3000 }, { many + 3000, 4000 } };
	struct ends ends = make_ends(0);
	char text[8000];

	engine_send(e, ends.ours, tag_of(1), pieces, n_pieces, SEND_THEN_CLOSE);
	expect(e, OP_SEND, 1, n_pieces == 2 ? 7000 : 3000);
	expect_nothing(e);
	assert_false(is_open(ends.ours));
	assert_int_equal(recv(ends.theirs, text, sizeof(text), MSG_WAITALL), n_pieces == 2 ? 7000 : 3000);
	close(ends.theirs);
}

/* The client takes some and then all; the end follows the last byte. */
static void close_behind_a_slow_reader(struct engine *e)
{
	struct iovec all = { many, sizeof(many) };
	struct ends ends = make_ends(16384);
	struct completion c = { .op = OP_IGNORE };
	static char text[65536];
	size_t got = 0;
	ssize_t n = -1;

	engine_send(e, ends.ours, tag_of(2), &all, 1, SEND_THEN_CLOSE);
	expect_nothing(e);
	assert_true(is_open(ends.ours));
	while (n != 0) {
		n = recv(ends.theirs, text, sizeof(text), MSG_DONTWAIT);
		assert_true(n >= 0 || errno == EAGAIN);
		got += n > 0 ? (size_t)n : 0;
		if (c.op == OP_IGNORE)
			(void)next_within(e, &c, n > 0 ? 0 : 1);
		else
			assert_int_equal(engine_turn(e, 0), 0);	/* the close may be part of the next turn */
	}
	assert_int_equal(got, sizeof(many));
	assert_int_equal(c.op, OP_SEND);
	assert_int_equal(c.res, sizeof(many));
	assert_false(is_open(ends.ours));
	close(ends.theirs);
}

static void keep_open_when_it_fails(struct engine *e, bool stop)
{
	struct iovec all = { many, sizeof(many) };
	struct ends ends = make_ends(16384);
	struct completion c;

	engine_send(e, ends.ours, tag_of(3), &all, 1, SEND_THEN_CLOSE);
	expect_nothing(e);
	if (stop)
		engine_send_stop(e, ends.ours, tag_of(3));
	else
		reset_end(ends.theirs);
	assert_true(next_within(e, &c, PATIENCE_MS));
	assert_int_equal(c.op, OP_SEND);
	assert_true(c.res < (int)sizeof(many));
	expect_nothing(e);
	assert_true(is_open(ends.ours));
	engine_close(e, ends.ours);
	if (stop)
		reset_end(ends.theirs);
}

/* The number is another's by the time the stop is asked for. */
static void stop_hits_nobody_else(struct engine *e)
{
	struct iovec few = { many, 10 }, all = { many, sizeof(many) };
	struct ends first = make_ends(0), second;
	struct completion c;

	engine_send(e, first.ours, tag_of(4), &few, 1, SEND_THEN_CLOSE);
	assert_int_equal(engine_turn(e, 0), 0);
	second = make_ends(16384);
	engine_send(e, second.ours, tag_of(5), &all, 1, SEND_THEN_WAIT);
	engine_send_stop(e, first.ours, tag_of(4));
	expect(e, OP_SEND, 4, 10);
	expect_nothing(e);
	shutdown(second.ours, SHUT_RDWR);
	assert_true(next_within(e, &c, PATIENCE_MS));
	assert_tag(c.tag, 5);
	close_ends(e, second);
	close(first.theirs);
}

static void last_send_closes(struct engine *e)
{
	close_behind_all(e, 1);
	close_behind_all(e, 2);
	close_behind_a_slow_reader(e);
	keep_open_when_it_fails(e, true);
	keep_open_when_it_fails(e, false);
	stop_hits_nobody_else(e);
}

TEST_ON_ENGINES(last_send_closes)
