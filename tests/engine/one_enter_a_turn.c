/* SPDX-License-Identifier: MIT */
#include "engine/engines.h"

#define N_CONNS 64
#define N_ROUNDS 200

static struct ends all[N_CONNS];

/* Each client asks, each is answered, all in the same turns. */
static void ask_and_answer(struct engine *e)
{
	static char answer[] = "answer";
	struct iovec piece = { answer, 6 };
	int n_received = 0, n_sent = 0;
	struct completion c;
	char text[8];

	for (int i = 0; i < N_CONNS; i++)
		say(all[i].theirs, "ask");
	while (n_received < N_CONNS || n_sent < N_CONNS) {
		assert_true(next_within(e, &c, PATIENCE_MS));
		n_sent += c.op == OP_SEND;
		if (c.op != OP_RECV)
			continue;
		assert_int_equal(c.res, 3);
		assert_true(c.more);
		n_received++;
		engine_send(e, all[c.tag.index].ours, c.tag, &piece, 1, SEND_THEN_WAIT);
	}
	for (int i = 0; i < N_CONNS; i++)
		assert_int_equal(recv(all[i].theirs, text, 8, 0), 6);
}

static void one_enter_a_turn(struct engine *e)
{
	const struct engine_counters *n = &e->counters;
	struct engine_counters before;

	for (uint32_t i = 0; i < N_CONNS; i++) {
		all[i] = make_ends(0);
		engine_recv(e, all[i].ours, tag_of(i), false);
	}
	assert_int_equal(engine_turn(e, 0), 0);
	before = *n;
	for (int round = 0; round < N_ROUNDS; round++)
		ask_and_answer(e);
	printf("%s: %d exchanges, %llu turns, %llu enters, %llu operations\n", engine_name(e->kind),
	       N_CONNS * N_ROUNDS, (unsigned long long)(n->turns - before.turns),
	       (unsigned long long)(n->enters - before.enters),
	       (unsigned long long)(n->submitted - before.submitted));
	assert_int_equal(n->enters - before.enters, n->turns - before.turns);
	assert_int_equal(n->submitted - before.submitted, N_CONNS * N_ROUNDS);	/* the sends alone */
	assert_int_equal(n->starved, 0);
	assert_int_equal(n->overflows, 0);
	for (uint32_t i = 0; i < N_CONNS; i++)
		shutdown(all[i].ours, SHUT_RDWR);
	for (uint32_t i = 0; i < N_CONNS; i++) {
		struct completion c;

		assert_true(next_within(e, &c, PATIENCE_MS));
		assert_int_equal(c.res, 0);
		close_ends(e, all[c.tag.index]);
	}
}

TEST_ON_ENGINES(one_enter_a_turn)
