/* SPDX-License-Identifier: MIT */
/* Where the kernel will not watch a descriptor, what was asked of it completes, with the reason. */
#include "engine/engines.h"

#include <dlfcn.h>
#include <sys/epoll.h>

static bool refusing;

/* Instead of the library's: as when fs.epoll.max_user_watches is used up. */
int epoll_ctl(int epoll_fd, int op, int fd, struct epoll_event *event)
{
	static int (*real)(int, int, int, struct epoll_event *);

	if (!real)
		real = (int (*)(int, int, int, struct epoll_event *))dlsym(RTLD_NEXT, "epoll_ctl");
	if (refusing && op == EPOLL_CTL_ADD) {
		errno = ENOSPC;
		return -1;
	}
	return real(epoll_fd, op, fd, event);
}

static void unwatchable_descriptors_fail(struct engine *e)
{
	static char many[4 << 20];
	struct iovec few = { many, 10 }, all = { many, sizeof(many) };
	struct ends ends = make_ends(16384);
	struct completion c;

	if (e->kind != ENGINE_EPOLL) {
		close_ends(e, ends);
		return;
	}
	refusing = true;
	engine_recv(e, ends.ours, tag_of(1), false);
	assert_false(expect(e, OP_RECV, 1, -ENOSPC));
	engine_send(e, ends.ours, tag_of(1), &few, 1, SEND_THEN_WAIT);	/* needs no watching */
	expect(e, OP_SEND, 1, 10);
	engine_send(e, ends.ours, tag_of(1), &all, 1, SEND_THEN_WAIT);
	assert_true(next_within(e, &c, PATIENCE_MS));
	assert_int_equal(c.op, OP_SEND);
	assert_in_range(c.res, 1, sizeof(many) - 1);
	engine_poll(e, ends.ours, tag_of(2));
	assert_false(expect(e, OP_POLL, 2, -ENOSPC));
	expect_nothing(e);
	refusing = false;
	say(ends.theirs, "again");
	engine_recv(e, ends.ours, tag_of(1), true);
	assert_false(expect(e, OP_RECV, 1, 5));
	close_ends(e, ends);
}

TEST_ON_ENGINES(unwatchable_descriptors_fail)
