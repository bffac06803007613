/* SPDX-License-Identifier: MIT */
#include "engine/engines.h"

#define N_BYTES 300000

static void receive_all(struct engine *e, const char *sent, size_t n)
{
	struct completion c;

	for (size_t at = 0; at < n; at += (size_t)c.res) {
		assert_true(next_within(e, &c, PATIENCE_MS));
		assert_int_equal(c.op, OP_RECV);
		assert_tag(c.tag, 2);
		assert_true(c.more && c.res > 0 && at + (size_t)c.res <= n);
		assert_memory_equal(c.data, sent + at, (size_t)c.res);
	}
}

static void receiving_goes_on_until_the_end(struct engine *e)
{
	static char sent[N_BYTES];
	struct ends ends = make_ends(0);
	uint64_t submitted;

	for (size_t i = 0; i < N_BYTES; i++)
		sent[i] = (char)(i * i / 251);
	engine_recv(e, ends.ours, tag_of(2), false);
	submitted = e->counters.submitted;
	for (int i = 0; i < 50; i++) {
		assert_int_equal(send(ends.theirs, sent + i, 1, 0), 1);
		receive_all(e, sent + i, 1);
	}
	assert_int_equal(send(ends.theirs, sent, N_BYTES, 0), N_BYTES);
	receive_all(e, sent, N_BYTES);
	assert_int_equal(e->counters.submitted, submitted);

	say(ends.theirs, "the last");
	shutdown(ends.theirs, SHUT_WR);
	receive_all(e, "the last", 8);
	assert_false(expect(e, OP_RECV, 2, 0));
	expect_nothing(e);
	close_ends(e, ends);
}

TEST_ON_ENGINES(receiving_goes_on_until_the_end)
