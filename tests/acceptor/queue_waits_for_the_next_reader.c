/* SPDX-License-Identifier: MIT */
#include "acceptor/stage.h"

/* With nobody else to take them, connections stay where the replacement will look. */
static void queue_waits_for_the_next_reader(void **state)
{
	struct stage stage;
	int clients[3];

	stage_begin(&stage, 1);
	stage_read(&stage, 0, true);
	clients[0] = stage_connect(&stage);
	stage_turn(&stage, 20);
	stage_read(&stage, 0, false);
	clients[1] = stage_connect(&stage);	/* the kernel's queue, then the acceptor's hands */
	stage_turn(&stage, 20);
	assert_string_equal(stage_take(&stage, 0), "A");
	stage_read(&stage, 0, true);
	stage_turn(&stage, 20);
	assert_string_equal(stage_take(&stage, 0), "B");

	stage_read(&stage, 0, false);
	clients[2] = stage_connect(&stage);
	stage_turn(&stage, 20);
	for (int i = 0; i < 3; i++)
		close(clients[i]);
	assert_int_equal(stage_end(&stage), 1);		/* and is counted when nobody comes any more */
}

TEST_MAIN(queue_waits_for_the_next_reader)
