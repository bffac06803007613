/* SPDX-License-Identifier: MIT */
#include "bridge/wire.h"

static void deliver(const int ends[2], enum channel_type type)
{
	const struct wire_rule *rule = &wire_rules[type];
	char payload[CHANNEL_PAYLOAD_MAX];
	struct message m;

	memset(payload, 0, sizeof(payload));
	payload[0] = (char)type;
	assert_int_equal(channel_receive(ends[0], rule->sender, &m), 0);
	assert_int_equal(channel_send(ends[1], type, payload, rule->n_fds ? ends[1] : -1), 0);
	assert_int_equal(channel_receive(ends[0], rule->sender, &m), 1);
	assert_int_equal(m.type, type);
	assert_int_equal(m.size, rule->size);
	assert_memory_equal(m.bytes, payload, rule->size);
	assert_int_equal(m.fd >= 0, rule->n_fds == 1);
	assert_string_equal(channel_type_name(type), rule->name);
	if (m.fd >= 0)
		close(m.fd);
}

static void channel_delivers_every_message(void **state)
{
	int ends[2];

	assert_int_equal(channel_pair(ends), 0);
	for (unsigned type = 0; type < CHANNEL_N_TYPES; type++)
		deliver(ends, type);
	close(ends[0]);
	close(ends[1]);
}

TEST_MAIN(channel_delivers_every_message)
