/* SPDX-License-Identifier: MIT */
#include "engine/engines.h"

static void receive_then_reset(struct engine *e, bool once, const char *said)
{
	struct ends ends = make_ends(0);
	bool more = true;

	engine_recv(e, ends.ours, tag_of(3), once);
	say(ends.theirs, said);
	more = expect(e, OP_RECV, 3, (int)strlen(said));
	assert_int_equal(more, !once);
	reset_end(ends.theirs);
	if (once)
		engine_recv(e, ends.ours, tag_of(3), true);
	assert_false(expect(e, OP_RECV, 3, -ECONNRESET));
	engine_close(e, ends.ours);
	expect_nothing(e);
}

/* The reset is there before anyone receives. */
static void reset_then_receive(struct engine *e, bool once)
{
	struct ends ends = make_ends(0);

	reset_end(ends.theirs);
	engine_recv(e, ends.ours, tag_of(3), once);
	assert_false(expect(e, OP_RECV, 3, -ECONNRESET));
	engine_close(e, ends.ours);
	expect_nothing(e);
}

static void reset_ends_receiving(struct engine *e)
{
	receive_then_reset(e, true, "a");
	receive_then_reset(e, false, "bc");
	reset_then_receive(e, true);
	reset_then_receive(e, false);
}

TEST_ON_ENGINES(reset_ends_receiving)
