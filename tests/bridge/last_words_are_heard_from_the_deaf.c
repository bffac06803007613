/* SPDX-License-Identifier: MIT */
#include "bridge/wire.h"

/* Who dies without having read what it was sent resets the channel; what it said before is there all the same. */
static void last_words_are_heard_from_the_deaf(void **state)
{
	const struct crash_msg crash = { .signal = 11, .request = "GET / HTTP/1.1" };
	struct message m;
	int ends[2];

	assert_int_equal(channel_pair(ends), 0);
	assert_int_equal(channel_send(ends[0], CHANNEL_ACK, NULL, -1), 0);
	assert_int_equal(channel_send(ends[1], CHANNEL_CRASH, &crash, -1), 0);
	assert_int_equal(channel_send(ends[1], CHANNEL_CRASH, &crash, -1), 0);
	close(ends[1]);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(channel_receive(ends[0], FROM_WORKER, &m), 1);
		assert_int_equal(m.crash.signal, 11);
	}
	assert_int_equal(channel_receive(ends[0], FROM_WORKER, &m), -EPIPE);
	close(ends[0]);
}

TEST_MAIN(last_words_are_heard_from_the_deaf)
