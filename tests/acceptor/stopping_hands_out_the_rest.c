/* SPDX-License-Identifier: MIT */
#include "acceptor/stage.h"

static void turn_until_ended(struct stage *stage)
{
	for (int i = 0; i < 200 && acceptor_next_ms(stage->acceptor) != 0; i++)
		stage_turn(stage, 10);
	assert_int_equal(acceptor_next_ms(stage->acceptor), 0);
}

/* What had connected is handed out, later ones are refused, and each reader sees the end of its queue. */
static void stopping_hands_out_the_rest(void **state)
{
	struct stage stage;
	int fds[HANDOFF_MOST];
	unsigned n_lost;
	int clients[5];

	stage_begin(&stage, 2);
	stage_read(&stage, 0, true);
	stage_read(&stage, 1, true);
	for (int i = 0; i < 5; i++)
		clients[i] = stage_connect(&stage);
	acceptor_stop(stage.acceptor, 0, clock_ms());
	turn_until_ended(&stage);
	assert_int_equal(stage_connect(&stage), -1);
	assert_int_equal(acceptor_counters(stage.acceptor)->given, 5);
	for (unsigned slot = 0; slot < 2; slot++) {
		int queue_fd = acceptor_queue(stage.acceptor, slot), n;

		while ((n = handoff_take(queue_fd, fds, &n_lost)) > 0)
			while (n > 0)
				close(fds[--n]);
		assert_int_equal(n, -EPIPE);
	}
	for (int i = 0; i < 5; i++)
		close(clients[i]);
	assert_int_equal(stage_end(&stage), 0);
}

TEST_MAIN(stopping_hands_out_the_rest)
