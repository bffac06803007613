/* SPDX-License-Identifier: MIT */
/* A descriptor may be closed only when nothing is under way on it; shutdown(2) is how one gets there. */
#include "engine/engines.h"

#include <sys/mman.h>

#define MANY_BYTES (8 << 20)

static char many[MANY_BYTES];

static int fill_socket(int fd)
{
	ssize_t n;

	while ((n = send(fd, many, sizeof(many), MSG_DONTWAIT | MSG_NOSIGNAL)) > 0)
		;
	return n < 0 ? errno : 0;
}

static void end_receiving(struct engine *e, bool once)
{
	struct ends ends = make_ends(0);

	engine_recv(e, ends.ours, tag_of(1), once);
	expect_nothing(e);
	shutdown(ends.ours, SHUT_RDWR);
	assert_false(expect(e, OP_RECV, 1, 0));
	close_ends(e, ends);
}

static void end_sending_and_receiving(struct engine *e)
{
	struct iovec all = { many, sizeof(many) };
	struct ends ends = make_ends(16384);
	bool received = false, sent = false;
	struct completion c;

	engine_recv(e, ends.ours, tag_of(2), false);
	engine_send(e, ends.ours, tag_of(2), &all, 1, SEND_THEN_WAIT);
	expect_nothing(e);
	shutdown(ends.ours, SHUT_RDWR);
	while (!received || !sent) {
		assert_true(next_within(e, &c, PATIENCE_MS));
		assert_tag(c.tag, 2);
		assert_false(c.more);
		received |= c.op == OP_RECV && c.res == 0;
		sent |= c.op == OP_SEND && (c.res == -EPIPE || (c.res > 0 && c.res < MANY_BYTES));
	}
	expect_nothing(e);
	close_ends(e, ends);
}

static void end_waiting_for_room(struct engine *e)
{
	struct ends ends = make_ends(16384);
	int file = memfd_create("file", MFD_CLOEXEC);
	struct completion c;
	uint64_t offset = 0;
	bool full;

	assert_int_equal(ftruncate(file, MANY_BYTES), 0);
	assert_int_equal(fill_socket(ends.ours), EAGAIN);
	assert_int_equal(engine_sendfile(e, ends.ours, tag_of(3), file, &offset, MANY_BYTES, &full), -EAGAIN);
	assert_true(full);
	expect_nothing(e);
	shutdown(ends.ours, SHUT_RDWR);
	assert_true(next_within(e, &c, PATIENCE_MS));
	assert_int_equal(c.op, OP_WRITABLE);
	assert_tag(c.tag, 3);
	assert_false(c.more);
	expect_nothing(e);
	close(file);
	close_ends(e, ends);
}

static void shutdown_completes_everything(struct engine *e)
{
	end_receiving(e, true);
	end_receiving(e, false);
	end_sending_and_receiving(e);
	end_waiting_for_room(e);
}

TEST_ON_ENGINES(shutdown_completes_everything)
