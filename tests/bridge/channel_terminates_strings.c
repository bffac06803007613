/* SPDX-License-Identifier: MIT */
#include "bridge/wire.h"

/* Sends @type with every byte of its payload set; @text is where its string then is. */
static void check_string(enum channel_type type, struct message *m, const char *text, size_t size)
{
	char payload[CHANNEL_PAYLOAD_MAX];
	int ends[2];

	memset(payload, 'x', sizeof(payload));
	assert_int_equal(channel_pair(ends), 0);
	assert_int_equal(channel_send(ends[1], type, payload, -1), 0);
	assert_int_equal(channel_receive(ends[0], FROM_WORKER, m), 1);
	assert_int_equal(strnlen(text, size), size - 1);
	close(ends[0]);
	close(ends[1]);
}

static void channel_terminates_strings(void **state)
{
	static struct message m;

	check_string(CHANNEL_READY, &m, m.ready.why, sizeof(m.ready.why));
	check_string(CHANNEL_FAILED, &m, m.failed.reason, sizeof(m.failed.reason));
	check_string(CHANNEL_SUICIDE, &m, m.suicide.reason, sizeof(m.suicide.reason));
	check_string(CHANNEL_CRASH, &m, m.crash.request, sizeof(m.crash.request));
	check_string(CHANNEL_FAULT, &m, m.crash.request, sizeof(m.crash.request));
}

TEST_MAIN(channel_terminates_strings)
