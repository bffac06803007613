/* SPDX-License-Identifier: MIT */
#include "bridge/wire.h"

#include "bridge/handoff.h"

#include <sys/resource.h>

static void give(int give_fd, unsigned n)
{
	int fds[HANDOFF_MOST];

	for (unsigned i = 0; i < n; i++)
		fds[i] = give_fd;
	assert_int_equal(handoff_give(give_fd, fds, n), 0);
}

static void expect(int take_fd, int n)
{
	int fds[HANDOFF_MOST];
	unsigned n_lost = 7;

	assert_int_equal(handoff_take(take_fd, fds, &n_lost), n);
	for (int i = 0; i < n; i++)
		close(fds[i]);
	if (n > 0)
		assert_int_equal(n_lost, 0);
}

/* What a process has no numbers for is dropped by the kernel: it is told how many. */
static void expect_loss(int ends[2])
{
	struct rlimit limit, few;
	int fds[HANDOFF_MOST];
	unsigned n_lost = 0;
	int next = dup(0);

	close(next);
	getrlimit(RLIMIT_NOFILE, &limit);
	few = (struct rlimit){ (rlim_t)next + 3, limit.rlim_max };
	give(ends[0], 5);
	setrlimit(RLIMIT_NOFILE, &few);
	assert_int_equal(handoff_take(ends[1], fds, &n_lost), 3);
	setrlimit(RLIMIT_NOFILE, &limit);
	assert_int_equal(n_lost, 2);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
}

static void handoff_delivers_in_order(void **state)
{
	int fds[1] = { 0 };
	int ends[2];
	int n = 0, r;

	assert_int_equal(handoff_pair(ends), 0);
	expect(ends[1], -EAGAIN);
	give(ends[0], 3);
	give(ends[0], HANDOFF_MOST);
	expect(ends[1], 3);
	expect(ends[1], HANDOFF_MOST);
	expect_loss(ends);
	while ((r = handoff_give(ends[0], fds, 1)) == 0)
		n++;
	assert_int_equal(r, -EAGAIN);
	assert_in_range(n, 4, 64);
	close(ends[0]);
	while (n-- > 0)
		expect(ends[1], 1);
	expect(ends[1], -EPIPE);
	close(ends[1]);
}

TEST_MAIN(handoff_delivers_in_order)
