/* SPDX-License-Identifier: MIT */
#include "engine/engines.h"

static unsigned events(struct engine *e, uint32_t index)
{
	struct completion c;
	unsigned n = 0;

	while (next_within(e, &c, 20)) {
		assert_int_equal(c.op, OP_POLL);
		assert_tag(c.tag, index);
		assert_false(c.more);
		n++;
	}
	return n;
}

/* Its process is the engine's own: one arrival, one event, until it is asked for again. */
static void event_comes_once(struct engine *e)
{
	int first = connect_end(0), second;

	engine_poll_once(e, ends_listener, tag_of(1), true);
	assert_int_equal(events(e, 1), 1);
	second = connect_end(0);
	assert_int_equal(events(e, 1), 0);		/* not asked for again */
	close(accept(ends_listener, NULL, NULL));
	engine_poll_once(e, ends_listener, tag_of(1), true);
	assert_int_equal(events(e, 1), 1);		/* what was left there is seen when asking */
	close(accept(ends_listener, NULL, NULL));
	engine_poll_once(e, ends_listener, tag_of(1), true);
	assert_int_equal(events(e, 1), 0);
	reset_end(first);
	reset_end(second);
}

/* In turn on io_uring. Epoll wakes a process only while it sleeps, and here both are awake: each is told. */
static void event_of_one(struct engine *e, struct engine *other)
{
	for (int i = 0; i < 4; i++) {
		int client = connect_end(0);
		unsigned n = events(e, 1), n_other = events(other, 2);

		if (e->kind == ENGINE_URING)
			assert_int_equal(n, i % 2 == 0);
		assert_int_equal(n + n_other, e->kind == ENGINE_URING ? 1 : 2);
		close(accept(ends_listener, NULL, NULL));
		if (n)
			engine_poll_once(e, ends_listener, tag_of(1), true);
		if (n_other)
			engine_poll_once(other, ends_listener, tag_of(2), true);
		assert_int_equal(events(e, 1) + events(other, 2), 0);
		reset_end(client);
	}
}

static void stopped_ones_are_passed_over(struct engine *e, struct engine *other)
{
	int client;
	struct completion c;

	engine_poll_stop(e, ends_listener, tag_of(1));
	while (next_within(e, &c, 20))
		assert_true(c.op == OP_IGNORE || c.res == -ECANCELED);
	client = connect_end(0);
	assert_int_equal(events(other, 2), 1);
	close(accept(ends_listener, NULL, NULL));
	engine_poll_stop(other, ends_listener, tag_of(2));
	reset_end(client);
}

static void one_of_those_who_wait_is_woken(struct engine *e)
{
	struct engine *other;
	char why[128];

	assert_int_equal(engine_create(e->kind, &other, why, sizeof(why)), 0);
	event_comes_once(e);
	engine_poll_once(other, ends_listener, tag_of(2), true);
	assert_int_equal(events(other, 2), 0);
	event_of_one(e, other);
	stopped_ones_are_passed_over(e, other);
	engine_destroy(other);
}

TEST_ON_ENGINES(one_of_those_who_wait_is_woken)
