/* SPDX-License-Identifier: MIT */
#include "acceptor/stage.h"

/* Connection i goes to worker (i + 1) mod n, whether they come one by one or in a burst. */
static void connections_go_round(void **state)
{
	struct stage stage;
	int clients[12];

	stage_begin(&stage, 3);
	assert_int_equal(stage_connect(&stage), -1);	/* nobody could serve it yet */
	for (unsigned slot = 0; slot < 3; slot++)
		stage_read(&stage, slot, true);
	for (int i = 0; i < 6; i++) {
		clients[i] = stage_connect(&stage);
		stage_turn(&stage, 20);
	}
	for (int i = 6; i < 12; i++)
		clients[i] = stage_connect(&stage);
	stage_turn(&stage, 20);

	assert_int_equal(acceptor_counters(stage.acceptor)->messages, 6 + 3);
	assert_string_equal(stage_take(&stage, 1), "ADGJ");
	assert_string_equal(stage_take(&stage, 2), "BEHK");
	assert_string_equal(stage_take(&stage, 0), "CFIL");
	for (int i = 0; i < 12; i++)
		close(clients[i]);
	assert_int_equal(stage_end(&stage), 0);
}

TEST_MAIN(connections_go_round)
