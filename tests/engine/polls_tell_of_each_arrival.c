/* SPDX-License-Identifier: MIT */
#include "engine/engines.h"

#include <sys/eventfd.h>

static void expect_readable(struct engine *e, uint32_t index)
{
	struct completion c;

	assert_true(next_within(e, &c, PATIENCE_MS));
	assert_int_equal(c.op, OP_POLL);
	assert_tag(c.tag, index);
	assert_true(c.res >= 0);
	assert_true(c.more);
}

static int swallow(struct engine *e)
{
	struct completion c;
	int n = 0;

	while (next_within(e, &c, 20)) {
		assert_int_equal(c.op, OP_POLL);
		n++;
	}
	return n;
}

/* The last completion, which may follow others. */
static void expect_stopped(struct engine *e, uint32_t index)
{
	struct completion c = { .more = true };

	while (c.more) {
		assert_true(next_within(e, &c, PATIENCE_MS));
		assert_int_equal(c.op, OP_POLL);
		assert_tag(c.tag, index);
	}
	expect_nothing(e);
}

static void poll_events(struct engine *e)
{
	int fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	eventfd_t value;

	engine_poll(e, fd, tag_of(1));
	expect_readable(e, 1);		/* was readable already */
	assert_int_equal(swallow(e), 0);	/* told once, though it was not read */
	for (int i = 0; i < 20; i++) {
		assert_int_equal(eventfd_read(fd, &value), 0);
		assert_int_equal(eventfd_write(fd, 1), 0);
		expect_readable(e, 1);
	}
	swallow(e);
	engine_poll_stop(e, fd, tag_of(1));
	expect_stopped(e, 1);
	assert_int_equal(eventfd_write(fd, 1), 0);
	expect_nothing(e);
	engine_poll(e, fd, tag_of(2));		/* and again */
	expect_readable(e, 2);
	assert_int_equal(eventfd_write(fd, 1), 0);
	engine_poll_stop(e, fd, tag_of(2));
	expect_stopped(e, 2);
	close(fd);
}

/* A listener that others hold too: after the stop its connections are none of our business. */
static void poll_listener(struct engine *e)
{
	int other = dup(ends_listener);

	engine_poll(e, ends_listener, tag_of(3));
	expect_nothing(e);
	for (int i = 0; i < 10; i++) {
		int client = connect_end(0);

		expect_readable(e, 3);
		close(accept(other, NULL, NULL));
		reset_end(client);
		swallow(e);
	}
	engine_poll_stop(e, ends_listener, tag_of(3));
	expect_stopped(e, 3);
	close_ends(e, make_ends(0));
	expect_nothing(e);
	close(other);
}

static void polls_tell_of_each_arrival(struct engine *e)
{
	poll_events(e);
	poll_listener(e);
}

TEST_ON_ENGINES(polls_tell_of_each_arrival)
