/* SPDX-License-Identifier: MIT */
#include "bridge/wire.h"

static void channel_never_blocks(void **state)
{
	struct message m;
	unsigned n = 0;
	int ends[2];
	int r;

	assert_int_equal(channel_pair(ends), 0);
	assert_int_equal(channel_receive(ends[0], FROM_WORKER, &m), 0);
	while ((r = channel_send(ends[1], CHANNEL_ACK, NULL, -1)) == 0)
		n++;
	assert_int_equal(r, -EAGAIN);
	assert_true(n > 0);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(channel_receive(ends[0], FROM_PARENT, &m), 1);
	assert_int_equal(channel_receive(ends[0], FROM_PARENT, &m), 0);

	assert_int_equal(channel_send(ends[1], CHANNEL_ACK, NULL, -1), 0);
	close(ends[1]);
	assert_int_equal(channel_receive(ends[0], FROM_PARENT, &m), 1);
	assert_int_equal(channel_receive(ends[0], FROM_PARENT, &m), -EPIPE);
	assert_int_equal(channel_send(ends[0], CHANNEL_ACK, NULL, -1), -EPIPE);
	close(ends[0]);
}

TEST_MAIN(channel_never_blocks)
