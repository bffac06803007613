/* SPDX-License-Identifier: MIT */
#include "engine/engines.h"

#define LATE_MS 25	/* other programs run here too */

/* A turn may be woken early by work of the kernel's own, for one by what is left of another ring. */
static void wait_until(struct engine *e, uint64_t until_ms)
{
	int n_turns = 0;

	do {
		assert_int_equal(engine_turn(e, until_ms), 0);
		assert_true(n_turns++ < 4);
	} while (e->now_ms < until_ms);
}

static void turns_end_on_time(struct engine *e)
{
	static const unsigned waits_ms[] = { 0, 1, 2, 5, 20, 60 };
	struct ends ends = make_ends(0);
	struct completion c;
	uint64_t start;

	for (size_t i = 0; i < sizeof(waits_ms) / sizeof(waits_ms[0]); i++) {
		assert_int_equal(engine_turn(e, 0), 0);
		start = e->now_ms;
		wait_until(e, start + waits_ms[i]);
		assert_in_range(e->now_ms - start, waits_ms[i], waits_ms[i] + LATE_MS);
		assert_false(engine_next(e, &c));
	}
	assert_int_equal(engine_turn(e, e->now_ms - 1000), 0);	/* long past: does not wait */
	engine_recv(e, ends.ours, tag_of(1), false);
	assert_int_equal(engine_turn(e, 0), 0);
	say(ends.theirs, "wakes it");
	start = clock_ms();
	assert_int_equal(engine_turn(e, ENGINE_NEVER), 0);
	assert_in_range(clock_ms() - start, 0, LATE_MS);
	expect(e, OP_RECV, 1, 8);
	shutdown(ends.ours, SHUT_RDWR);
	assert_false(expect(e, OP_RECV, 1, 0));
	close_ends(e, ends);
}

TEST_ON_ENGINES(turns_end_on_time)
