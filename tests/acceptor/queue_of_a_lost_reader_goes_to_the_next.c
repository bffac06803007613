/* SPDX-License-Identifier: MIT */
#include "acceptor/stage.h"

static void queue_of_a_lost_reader_goes_to_the_next(void **state)
{
	struct stage stage;
	int clients[6];

	stage_begin(&stage, 3);
	for (unsigned slot = 0; slot < 3; slot++)
		stage_read(&stage, slot, true);
	for (int i = 0; i < 6; i++) {
		clients[i] = stage_connect(&stage);
		stage_turn(&stage, 20);
	}
	stage_read(&stage, 1, false);		/* had A and D: they go to 1, who is passed over, so to 2 and 0 */
	assert_int_equal(acceptor_counters(stage.acceptor)->returned, 2);
	assert_string_equal(stage_take(&stage, 1), "");
	assert_string_equal(stage_take(&stage, 2), "BEA");
	assert_string_equal(stage_take(&stage, 0), "CFD");

	stage_read(&stage, 1, true);
	close(clients[0]);
	clients[0] = stage_connect(&stage);
	stage_turn(&stage, 20);
	assert_string_equal(stage_take(&stage, 1), "G");
	for (int i = 0; i < 6; i++)
		close(clients[i]);
	assert_int_equal(stage_end(&stage), 0);
}

TEST_MAIN(queue_of_a_lost_reader_goes_to_the_next)
