/* SPDX-License-Identifier: MIT */
#include "parent/unit.h"

#include "parent/slot.h"

#include <stdbool.h>

static bool has_rule(enum slot_state state, enum slot_event event)
{
	return slot_rule(state, event).action;
}

static bool has_incumbent(enum slot_state state)
{
	return state != SLOT_EMPTY && state != SLOT_BACKOFF && state != SLOT_GIVEN_UP && state != SLOT_CLOSING;
}

static void visit(enum slot_state state, bool seen[SLOT_N_STATES])
{
	if (seen[state])
		return;
	seen[state] = true;
	for (enum slot_event event = 0; event < SLOT_N_EVENTS; event++)
		if (has_rule(state, event))
			visit(slot_rule(state, event).next, seen);
}

static void expect(enum slot_state state, enum slot_event event, bool legal)
{
	if (has_rule(state, event) != legal)
		fail_msg("%s and event %u", slot_state_name(state), event);
}

/* Once the pool stops no rule may lead to a new worker. */
static void expect_end_after_stop(enum slot_state state)
{
	enum slot_state next = slot_rule(state, ON_STOP).next;

	assert_true(next == SLOT_EMPTY || next == SLOT_DRAINING);
	assert_int_equal(next == SLOT_DRAINING, has_incumbent(state));
}

static void slot_table_is_legal(void **state)
{
	bool seen[SLOT_N_STATES] = { false };

	visit(SLOT_EMPTY, seen);
	for (enum slot_state s = 0; s < SLOT_N_STATES; s++) {
		bool leaves = s == SLOT_LEAVING || s == SLOT_CLOSING;
		bool alive = has_incumbent(s) && s != SLOT_DRAINING && !leaves;

		assert_true(seen[s]);
		expect(s, ON_AGAIN, alive);
		expect(s, ON_LATER, alive);
		expect(s, ON_LAST, alive);
		expect(s, ON_GONE, s == SLOT_DRAINING || s == SLOT_LEAVING);
		expect(s, ON_LEAVE, s != SLOT_EMPTY && s != SLOT_DRAINING && !leaves);
		expect(s, ON_CLOSED, leaves);
		expect(s, ON_KILL, has_incumbent(s) && s != SLOT_DYING);
		expect(s, ON_SUCCEED, s == SLOT_RETIRING);
		expect(s, ON_HEIR, s == SLOT_RETIRING);
		expect(s, ON_WISH, s == SLOT_READY);
		expect(s, ON_READY, s == SLOT_STARTING);
		expect(s, ON_STOP, s != SLOT_DRAINING);
		if (s != SLOT_DRAINING)
			expect_end_after_stop(s);
	}
	assert_int_equal(slot_rule(SLOT_DRAINING, ON_GONE).next, SLOT_EMPTY);
	assert_int_equal(slot_rule(SLOT_GIVEN_UP, ON_STOP).next, SLOT_EMPTY);
	expect(SLOT_GIVEN_UP, ON_TURN, false);
}

TEST_MAIN(slot_table_is_legal)
