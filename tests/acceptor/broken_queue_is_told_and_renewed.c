/* SPDX-License-Identifier: MIT */
#include "acceptor/stage.h"

/* A worker can do what it wants with its end: the parent neither spins nor loses a connection. */
static void broken_queue_is_told_and_renewed(void **state)
{
	struct stage stage;
	int clients[3];

	stage_begin(&stage, 2);
	stage_read(&stage, 0, true);
	stage_read(&stage, 1, true);
	assert_int_equal(acceptor_next_broken(stage.acceptor), -1);
	assert_int_equal(shutdown(acceptor_queue(stage.acceptor, 1), SHUT_RDWR), 0);
	clients[0] = stage_connect(&stage);
	stage_turn(&stage, 20);
	assert_string_equal(stage_take(&stage, 0), "A");
	assert_int_equal(acceptor_next_broken(stage.acceptor), 1);
	assert_int_equal(acceptor_next_broken(stage.acceptor), -1);

	stage_read(&stage, 1, false);		/* its reader was killed for it */
	assert_true(acceptor_queue(stage.acceptor, 1) >= 0);
	stage_read(&stage, 1, true);
	clients[1] = stage_connect(&stage);
	clients[2] = stage_connect(&stage);
	stage_turn(&stage, 20);
	assert_int_equal(strlen(stage_take(&stage, 0)), 1);
	assert_int_equal(strlen(stage_take(&stage, 1)), 1);
	for (int i = 0; i < 3; i++)
		close(clients[i]);
	assert_int_equal(stage_end(&stage), 0);
}

TEST_MAIN(broken_queue_is_told_and_renewed)
