/* SPDX-License-Identifier: MIT */
#include "engine/engines.h"

/* Whatever came first, then exactly one that is the last. Return: bytes that came before it. */
static int collect_until_last(struct engine *e)
{
	struct completion c = { .more = true };
	int n = 0;

	while (c.more) {
		assert_true(next_within(e, &c, PATIENCE_MS));
		assert_int_equal(c.op, OP_RECV);
		assert_tag(c.tag, 4);
		if (c.res > 0)
			n += c.res;
		else
			assert_int_equal(c.res, -ECANCELED);
	}
	return n;
}

static void receiving_can_be_stopped(struct engine *e)
{
	struct ends ends = make_ends(0);
	int n;

	engine_recv(e, ends.ours, tag_of(4), false);
	expect_nothing(e);
	engine_recv_stop(e, ends.ours, tag_of(4));
	assert_int_equal(collect_until_last(e), 0);
	say(ends.theirs, "stays where it is");
	expect_nothing(e);

	engine_recv(e, ends.ours, tag_of(4), false);	/* and what was not received is still there */
	assert_true(expect(e, OP_RECV, 4, 17));

	say(ends.theirs, "together with the stop");
	engine_recv_stop(e, ends.ours, tag_of(4));
	n = collect_until_last(e);
	assert_true(n == 0 || n == 22);
	engine_recv(e, ends.ours, tag_of(4), false);	/* asked for anew in the turn that ended it */
	if (n == 0)
		assert_true(expect(e, OP_RECV, 4, 22));
	say(ends.theirs, "x");
	assert_true(expect(e, OP_RECV, 4, 1));

	engine_recv_stop(e, ends.ours, tag_of(4));
	collect_until_last(e);
	engine_recv_stop(e, ends.ours, tag_of(4));	/* of nothing */
	expect_nothing(e);
	close_ends(e, ends);
}

TEST_ON_ENGINES(receiving_can_be_stopped)
