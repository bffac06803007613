/* SPDX-License-Identifier: MIT */
/* The next connection gets the number of the last; nothing of the old one may reach it. */
#include "engine/engines.h"

#define N_ROUNDS 2000

static void closed_descriptor_is_reused(struct engine *e)
{
	unsigned n_reused = 0;
	int last = -1;

	for (uint32_t i = 0; i < N_ROUNDS; i++) {
		struct ends ends = make_ends(0);
		char text[16];
		struct iovec piece = { text, 10 };
		struct completion c;

		snprintf(text, sizeof(text), "token%05u", i);
		n_reused += ends.ours == last;
		last = ends.ours;
		engine_recv(e, ends.ours, tag_of(i), i % 2);
		say(ends.theirs, text);
		assert_true(next_within(e, &c, PATIENCE_MS));
		assert_tag(c.tag, i);
		assert_int_equal(c.res, 10);
		assert_memory_equal(c.data, text, 10);
		engine_send(e, ends.ours, tag_of(i), &piece, 1, SEND_THEN_WAIT);
		expect(e, OP_SEND, i, 10);
		if (c.more) {
			shutdown(ends.ours, SHUT_RDWR);
			assert_false(expect(e, OP_RECV, i, 0));
		} else {
			say(ends.theirs, "never received by anyone");
		}
		engine_close(e, ends.ours);
		assert_int_equal(engine_turn(e, 0), 0);
		reset_end(ends.theirs);
	}
	assert_true(n_reused > N_ROUNDS / 2);
	expect_nothing(e);
}

TEST_ON_ENGINES(closed_descriptor_is_reused)
