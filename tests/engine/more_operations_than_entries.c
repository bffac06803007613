/* SPDX-License-Identifier: MIT */
/* 9,000 operations in one turn: a submission queue takes 1,024, a completion queue four times as many. */
#include "engine/engines.h"

#define N_CONNS 3000

static struct ends all[N_CONNS];

static void count_two_each(struct engine *e)
{
	static unsigned char n_recv[N_CONNS], n_send[N_CONNS];
	struct completion c;

	memset(n_recv, 0, sizeof(n_recv));
	memset(n_send, 0, sizeof(n_send));
	for (uint32_t n = 0; n < 2 * N_CONNS;) {
		assert_true(next_within(e, &c, PATIENCE_MS));
		assert_tag(c.tag, c.tag.index);
		if (c.op == OP_SEND) {
			assert_int_equal(c.res, 4);
			n_send[c.tag.index]++;
		} else {
			assert_int_equal(c.op, OP_RECV);
			if (c.res == -ENOBUFS) {
				engine_recv(e, all[c.tag.index].ours, c.tag, true);
				continue;
			}
			assert_int_equal(c.res, 5);
			n_recv[c.tag.index]++;
		}
		n++;
	}
	for (uint32_t i = 0; i < N_CONNS; i++)
		assert_true(n_recv[i] == 1 && n_send[i] == 1);
}

static void more_operations_than_entries(struct engine *e)
{
	static char texts[N_CONNS][8];
	char text[8];

	need_fds(2 * N_CONNS + 100);
	for (uint32_t i = 0; i < N_CONNS; i++) {
		all[i] = make_ends(0);
		say(all[i].theirs, "hello");
	}
	for (uint32_t i = 0; i < N_CONNS; i++) {
		struct iovec pieces[2] = { { texts[i], 1 }, { texts[i] + 1, 3 } };
		struct iovec whole = { texts[i], 4 };

		snprintf(texts[i], sizeof(texts[i]), "%04u", i);
		engine_recv(e, all[i].ours, tag_of(i), true);
		engine_send(e, all[i].ours, tag_of(i), i % 2 ? pieces : &whole, i % 2 ? 2 : 1,
			    SEND_THEN_WAIT);
	}
	count_two_each(e);
	expect_nothing(e);
	for (uint32_t i = 0; i < N_CONNS; i++) {
		assert_int_equal(recv(all[i].theirs, text, 8, MSG_DONTWAIT), 4);
		assert_memory_equal(text, texts[i], 4);
		close_ends(e, all[i]);
	}
	printf("%llu operations, %llu enters, %llu overflows\n", (unsigned long long)e->counters.submitted,
	       (unsigned long long)e->counters.enters, (unsigned long long)e->counters.overflows);
}

TEST_ON_ENGINES(more_operations_than_entries)
