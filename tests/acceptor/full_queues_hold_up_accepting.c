/* SPDX-License-Identifier: MIT */
#include "acceptor/stage.h"

#define N_CLIENTS 400

static int clients[N_CLIENTS];

/* One at a time, so that each is a message of its own and queues fill soonest. */
static void connect_all(struct stage *stage)
{
	for (int i = 0; i < N_CLIENTS; i++) {
		stage->next_name = 'x';
		clients[i] = stage_connect(stage);
		assert_true(clients[i] >= 0);
		stage_turn(stage, 0);
	}
}

static void full_queues_hold_up_accepting(void **state)
{
	struct stage stage;
	const struct acceptor_counters *counters;
	size_t n_slow = 0, n_quick = 0;

	stage_begin(&stage, 2);
	counters = acceptor_counters(stage.acceptor);
	stage_read(&stage, 0, true);
	stage_read(&stage, 1, true);
	connect_all(&stage);
	assert_true(counters->accepted < 200);		/* the rest is in the kernel's queue */
	assert_true(counters->held_up > 0);

	for (int i = 0; i < 1000 && n_quick < N_CLIENTS; i++) {	/* nobody reads queue 0 any further */
		n_quick += strlen(stage_take(&stage, 1));
		stage_turn(&stage, 1);
	}
	n_slow = strlen(stage_take(&stage, 0));
	assert_int_equal(n_quick + n_slow, N_CLIENTS);
	assert_true(n_slow < 100);
	for (int i = 0; i < N_CLIENTS; i++)
		close(clients[i]);
	assert_int_equal(stage_end(&stage), 0);
}

TEST_MAIN(full_queues_hold_up_accepting)
