/* SPDX-License-Identifier: MIT */
#include "acceptor/stage.h"

/* While a socket is another's as well, what comes is left to that one; then it is ours, and none of it is lost. */
static void nothing_is_accepted_on_trial(void **state)
{
	struct stage stage;
	int clients[4];

	stage_begin(&stage, 2);
	assert_int_equal(listen(acceptor_listeners(stage.acceptor)[0], 16), 0);	/* by the other */
	acceptor_hold(stage.acceptor);
	for (unsigned slot = 0; slot < 2; slot++)
		stage_read(&stage, slot, true);
	for (int i = 0; i < 4; i++)
		clients[i] = stage_connect(&stage);
	stage_turn(&stage, 20);
	assert_int_equal(acceptor_counters(stage.acceptor)->accepted, 0);

	assert_int_equal(acceptor_release(stage.acceptor, clock_ms()), 0);
	stage_turn(&stage, 20);
	assert_string_equal(stage_take(&stage, 1), "AC");
	assert_string_equal(stage_take(&stage, 0), "BD");
	for (int i = 0; i < 4; i++)
		close(clients[i]);
	assert_int_equal(stage_end(&stage), 0);
}

TEST_MAIN(nothing_is_accepted_on_trial)
