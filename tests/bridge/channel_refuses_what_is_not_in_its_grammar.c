/* SPDX-License-Identifier: MIT */
#include "bridge/wire.h"

static int ends[2];

static void expect_refused(uint32_t type, size_t n_payload, unsigned n_fds, enum side from)
{
	unsigned n_before = n_open_fds();
	struct message m;

	send_raw(ends[1], type, n_payload, n_fds);
	if (channel_receive(ends[0], from, &m) != -EPROTO)
		fail_msg("type %u, %zu bytes, %u descriptors were let in", type, n_payload, n_fds);
	assert_int_equal(n_open_fds(), n_before);
}

static void refuse_variations(uint32_t type)
{
	const struct wire_rule *rule = &wire_rules[type];
	enum side other = rule->sender == FROM_PARENT ? FROM_WORKER : FROM_PARENT;

	expect_refused(type, rule->size, rule->n_fds, other);
	expect_refused(type, rule->size + 1, rule->n_fds, rule->sender);
	if (rule->size > 0)
		expect_refused(type, rule->size - 1, rule->n_fds, rule->sender);
	expect_refused(type, 2 * CHANNEL_PAYLOAD_MAX, rule->n_fds, rule->sender);
	expect_refused(type, rule->size, rule->n_fds + 1, rule->sender);
	expect_refused(type, rule->size, WIRE_FDS_MAX, rule->sender);
	if (rule->n_fds > 0)
		expect_refused(type, rule->size, 0, rule->sender);
}

static void channel_refuses_what_is_not_in_its_grammar(void **state)
{
	assert_int_equal(channel_pair(ends), 0);
	for (uint32_t type = 0; type < CHANNEL_N_TYPES; type++)
		refuse_variations(type);
	for (size_t size = 0; size <= CHANNEL_PAYLOAD_MAX; size++) {
		expect_refused(CHANNEL_N_TYPES, size, 0, FROM_WORKER);
		expect_refused(UINT32_MAX, size, 1, FROM_PARENT);
	}
	assert_int_equal(send(ends[1], "abc", 3, 0), 3);
	assert_int_equal(channel_receive(ends[0], FROM_WORKER, &(struct message){ 0 }), -EPROTO);
	close(ends[0]);
	close(ends[1]);
}

TEST_MAIN(channel_refuses_what_is_not_in_its_grammar)
