/* SPDX-License-Identifier: MIT */
#include "engine/engines.h"

static char many[4 << 20];

/* The other side resets while the send waits: what went out is told, then the error. */
static void reset_during_send(struct engine *e, int n_pieces)
{
	struct iovec pieces[2] = { { many, sizeof(many) / 2 }, { many, sizeof(many) / 2 } };
	struct ends ends = make_ends(8192);
	struct completion c;

	engine_send(e, ends.ours, tag_of(6), pieces, n_pieces, SEND_THEN_WAIT);
	expect_nothing(e);
	reset_end(ends.theirs);
	assert_true(next_within(e, &c, PATIENCE_MS));
	assert_int_equal(c.op, OP_SEND);
	assert_true(c.res < (int)sizeof(many) / 2);
	engine_send(e, ends.ours, tag_of(6), pieces, n_pieces, SEND_THEN_WAIT);
	assert_true(next_within(e, &c, PATIENCE_MS));
	assert_int_equal(c.op, OP_SEND);
	assert_true(c.res == -EPIPE || c.res == -ECONNRESET);
	engine_close(e, ends.ours);
	expect_nothing(e);
}

static void send_fails_when_nobody_reads(struct engine *e)
{
	reset_during_send(e, 1);
	reset_during_send(e, 2);
}

TEST_ON_ENGINES(send_fails_when_nobody_reads)
