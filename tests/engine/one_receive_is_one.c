/* SPDX-License-Identifier: MIT */
#include "engine/engines.h"

static void one_receive_is_one(struct engine *e)
{
	struct ends ends = make_ends(0);
	struct completion c;

	engine_recv(e, ends.ours, tag_of(1), true);
	expect_nothing(e);
	say(ends.theirs, "first");
	assert_true(next_within(e, &c, PATIENCE_MS));
	assert_int_equal(c.op, OP_RECV);
	assert_tag(c.tag, 1);
	assert_int_equal(c.res, 5);
	assert_memory_equal(c.data, "first", 5);
	assert_false(c.more);

	say(ends.theirs, "second");
	expect_nothing(e);
	engine_recv(e, ends.ours, tag_of(1), true);
	assert_true(next_within(e, &c, PATIENCE_MS));
	assert_int_equal(c.res, 6);
	assert_memory_equal(c.data, "second", 6);
	assert_false(c.more);

	shutdown(ends.theirs, SHUT_WR);
	expect_nothing(e);
	engine_recv(e, ends.ours, tag_of(1), true);
	assert_false(expect(e, OP_RECV, 1, 0));
	close_ends(e, ends);
	expect_nothing(e);
}

TEST_ON_ENGINES(one_receive_is_one)
