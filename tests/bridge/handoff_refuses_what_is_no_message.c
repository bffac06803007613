/* SPDX-License-Identifier: MIT */
#include "bridge/wire.h"

#include "bridge/handoff.h"
#include "bridge/rights.h"

/* @size bytes, of which the first says @count, with @n descriptors. */
static void write_message(int fd, size_t size, unsigned char count, unsigned n)
{
	int fds[RIGHTS_MOST];
	struct iovec part = { &count, size };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
	union rights_buffer rights;

	for (unsigned i = 0; i < n; i++)
		fds[i] = fd;
	if (n > 0)
		rights_attach(&header, &rights, fds, n);
	assert_int_equal(sendmsg(fd, &header, 0), size);
}

static unsigned next_free(void)
{
	int fd = dup(0);

	close(fd);
	return (unsigned)fd;
}

static void handoff_refuses_what_is_no_message(void **state)
{
	static const struct {
		size_t		size;
		unsigned char	count;
		unsigned	n;
	} wrong[] = {
		{ 1, 0, 1 }, { 1, 1, 2 }, { 1, 200, 1 }, { 1, HANDOFF_MOST + 1, HANDOFF_MOST + 1 }, { 1, 255, 0 }, { 0, 0, 2 },
	};
	int fds[HANDOFF_MOST];
	unsigned n_lost = 0, before;
	int ends[2];

	assert_int_equal(handoff_pair(ends), 0);
	before = next_free();
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		write_message(ends[0], wrong[i].size, wrong[i].count, wrong[i].n);
		assert_int_equal(handoff_take(ends[1], fds, &n_lost), -EPROTO);
		assert_int_equal(next_free(), before);	/* nothing stays open */
	}
	write_message(ends[0], 1, 1, 1);
	assert_int_equal(handoff_take(ends[1], fds, &n_lost), 1);
	close(fds[0]);
	close(ends[0]);
	close(ends[1]);
}

TEST_MAIN(handoff_refuses_what_is_no_message)
