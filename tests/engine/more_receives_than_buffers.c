/* SPDX-License-Identifier: MIT */
/* 2,000 connections with data at once, 512 buffers: some are told so and ask again, and nothing is lost. */
#include "engine/engines.h"

#define N_CONNS 2000
#define N_ROUNDS 3
#define TEXT_BYTES 6000		/* more than a buffer */

static struct ends all[N_CONNS];
static size_t got[N_CONNS];

static char letter(size_t conn, size_t at)
{
	return (char)('a' + (conn * 7 + at) % 26);
}

static void say_all(void)
{
	static char text[TEXT_BYTES];

	for (size_t i = 0; i < N_CONNS; i++) {
		for (size_t j = 0; j < TEXT_BYTES; j++)
			text[j] = letter(i, j);
		assert_int_equal(send(all[i].theirs, text, TEXT_BYTES, 0), TEXT_BYTES);
		got[i] = 0;
	}
}

static void take(struct engine *e, const struct completion *c, size_t *n_left)
{
	uint32_t i = c->tag.index;

	assert_int_equal(c->op, OP_RECV);
	assert_tag(c->tag, i);
	if (c->res > 0) {
		assert_true(got[i] + (size_t)c->res <= TEXT_BYTES);
		for (int j = 0; j < c->res; j++)
			assert_int_equal(c->data[j], letter(i, got[i] + (size_t)j));
		got[i] += (size_t)c->res;
		*n_left -= got[i] == TEXT_BYTES;
	} else {
		assert_int_equal(c->res, -ENOBUFS);
	}
	if (!c->more)
		engine_recv(e, all[i].ours, c->tag, false);
}

static void more_receives_than_buffers(struct engine *e)
{
	struct completion c;
	uint64_t turns;

	need_fds(2 * N_CONNS + 100);
	for (uint32_t i = 0; i < N_CONNS; i++)
		all[i] = make_ends(0);
	for (int round = 0; round < N_ROUNDS; round++) {
		say_all();
		for (uint32_t i = 0; round == 0 && i < N_CONNS; i++)
			engine_recv(e, all[i].ours, tag_of(i), false);
		turns = e->counters.turns;
		for (size_t n_left = N_CONNS; n_left > 0;) {
			assert_true(next_within(e, &c, PATIENCE_MS));
			take(e, &c, &n_left);
		}
		assert_true(e->counters.turns - turns < 200);	/* it does not spin */
	}
	printf("%llu turns, %llu starved, %llu overflows\n", (unsigned long long)e->counters.turns,
	       (unsigned long long)e->counters.starved, (unsigned long long)e->counters.overflows);
	assert_true(e->kind == ENGINE_EPOLL || e->counters.starved > 0);
	for (uint32_t i = 0; i < N_CONNS; i++)
		reset_end(all[i].theirs);
	for (uint32_t n = 0; n < N_CONNS;) {
		assert_true(next_within(e, &c, PATIENCE_MS));
		assert_int_equal(c.res, -ECONNRESET);
		assert_false(c.more);
		engine_close(e, all[c.tag.index].ours);
		n++;
	}
}

TEST_ON_ENGINES(more_receives_than_buffers)
