/* SPDX-License-Identifier: MIT */
#include "bridge/wire.h"

#include "parent/testament.h"

static int ends[2];

static struct testament_pool sound_pool(void)
{
	return (struct testament_pool){
		.version = TESTAMENT_VERSION, .n_slots = 4, .n_addresses = 2,
		.addresses = { { AF_INET, 0, 8080, 0, { 127, 0, 0, 1 } }, { AF_INET6, 8081, 8081, 0, { 0 } } },
	};
}

static int deliver(enum testament_type type, const void *payload, unsigned n_fds, enum testament_side from,
		   struct testament_message *m)
{
	const int fds[] = { ends[0], ends[0], ends[0], ends[0], ends[0], ends[0], ends[0], ends[0], ends[0] };

	assert_int_equal(testament_send(ends[1], type, payload, fds, n_fds), 0);
	return testament_receive(ends[0], from, m);
}

static void expect_let_in(enum testament_type type, const void *payload, size_t size, unsigned n_fds,
			  enum testament_side from)
{
	struct testament_message m;

	assert_int_equal(deliver(type, payload, n_fds, from, &m), 1);
	assert_int_equal(m.type, type);
	assert_int_equal(m.n_fds, n_fds);
	assert_int_equal(m.pid, getpid());
	assert_int_equal(m.uid, geteuid());
	assert_memory_equal(m.bytes, payload, size);
	for (unsigned i = 0; i < n_fds; i++)
		assert_int_equal(close(m.fds[i]), 0);
}

static void expect_refused(enum testament_type type, const void *payload, unsigned n_fds, enum testament_side from)
{
	unsigned n_before = n_open_fds();
	struct testament_message m;

	assert_int_equal(deliver(type, payload, n_fds, from, &m), -EPROTO);
	assert_int_equal(n_open_fds(), n_before);
}

#define LET_IN(type, payload, n_fds, from) expect_let_in(type, &(payload), sizeof(payload), n_fds, from)

static void check_pools(void)
{
	struct testament_pool pool = sound_pool();

	LET_IN(TESTAMENT_POOL, pool, 2, FROM_OLD);
	expect_refused(TESTAMENT_POOL, &pool, 2, FROM_NEW);
	expect_refused(TESTAMENT_POOL, &pool, 1, FROM_OLD);
	expect_refused(TESTAMENT_POOL, &pool, 3, FROM_OLD);
	pool.model = BROOD_ROUND_ROBIN + 1;
	expect_refused(TESTAMENT_POOL, &pool, 2, FROM_OLD);
	pool = sound_pool();
	pool.n_slots = 0;
	expect_refused(TESTAMENT_POOL, &pool, 2, FROM_OLD);
	pool.n_slots = WORKERS_MAX + 1;
	expect_refused(TESTAMENT_POOL, &pool, 2, FROM_OLD);
	pool = sound_pool();
	pool.n_addresses = 0;
	expect_refused(TESTAMENT_POOL, &pool, 0, FROM_OLD);
	pool.n_addresses = LISTENERS_MAX + 1;
	expect_refused(TESTAMENT_POOL, &pool, LISTENERS_MAX + 1, FROM_OLD);
	pool = sound_pool();
	pool.claims = 2;
	pool.control = 1;
	LET_IN(TESTAMENT_POOL, pool, 4, FROM_OLD);
	expect_refused(TESTAMENT_POOL, &pool, 3, FROM_OLD);
	pool.claims = 4;
	expect_refused(TESTAMENT_POOL, &pool, 4, FROM_OLD);
	pool.claims = 0;
	pool.control = 2;
	expect_refused(TESTAMENT_POOL, &pool, 4, FROM_OLD);
	pool = sound_pool();
	pool.addresses[1].family = AF_UNIX;
	expect_refused(TESTAMENT_POOL, &pool, 2, FROM_OLD);
	pool = sound_pool();
	pool.addresses[0].port = 0;
	expect_refused(TESTAMENT_POOL, &pool, 2, FROM_OLD);
}

static void check_slots(void)
{
	struct testament_slot slot = { .slot = WORKERS_MAX - 1, .n_born = UINT32_MAX, .listeners = 0x81 };
	struct testament_take take = { .slot = WORKERS_MAX - 1 };

	LET_IN(TESTAMENT_SLOT, slot, 2, FROM_OLD);
	expect_refused(TESTAMENT_SLOT, &slot, 1, FROM_OLD);
	LET_IN(TESTAMENT_SPARES, slot, 2, FROM_OLD);
	expect_refused(TESTAMENT_SPARES, &slot, 1, FROM_OLD);
	slot.listeners = 0x101;
	expect_refused(TESTAMENT_SLOT, &slot, 2, FROM_OLD);
	slot = (struct testament_slot){ .places = { [7] = WORKERS_MAX } };
	expect_refused(TESTAMENT_SLOT, &slot, 0, FROM_OLD);
	slot = (struct testament_slot){ .slot = WORKERS_MAX };
	expect_refused(TESTAMENT_SLOT, &slot, 0, FROM_OLD);
	LET_IN(TESTAMENT_TAKE, take, 0, FROM_NEW);
	LET_IN(TESTAMENT_TAKE, take, 1, FROM_NEW);
	LET_IN(TESTAMENT_SPARE, take, 0, FROM_NEW);
	expect_refused(TESTAMENT_SPARE, &take, 1, FROM_NEW);
	expect_refused(TESTAMENT_TAKE, &take, 2, FROM_NEW);
	take.slot++;
	expect_refused(TESTAMENT_TAKE, &take, 0, FROM_NEW);
	expect_refused(TESTAMENT_SPARE, &take, 0, FROM_NEW);
}

static void check_stores(void)
{
	struct testament_hold hold = { .slot = WORKERS_MAX - 1, .index = STORED_MOST - 1 };
	struct testament_held held = { .slot = WORKERS_MAX - 1, .index = STORED_MOST - 1 };

	LET_IN(TESTAMENT_HOLD, hold, 0, FROM_NEW);
	expect_refused(TESTAMENT_HOLD, &hold, 1, FROM_NEW);
	hold.index++;
	expect_refused(TESTAMENT_HOLD, &hold, 0, FROM_NEW);
	LET_IN(TESTAMENT_HELD, held, 0, FROM_OLD);
	expect_refused(TESTAMENT_HELD, &held, 1, FROM_OLD);	/* without a name */
	memcpy(held.name, "cache", 6);
	LET_IN(TESTAMENT_HELD, held, 1, FROM_OLD);
	expect_refused(TESTAMENT_HELD, &held, 2, FROM_OLD);
	memset(held.name, 'x', sizeof(held.name));
	expect_refused(TESTAMENT_HELD, &held, 1, FROM_OLD);
	held = (struct testament_held){ .index = STORED_MOST };
	expect_refused(TESTAMENT_HELD, &held, 0, FROM_OLD);
}

static void check_the_rest(void)
{
	const struct testament_hello hello = { .least = 3, .most = 1 };
	const struct testament_ready ready = { .addresses = ALL_LISTENERS }, other = { .addresses = 1u << 31 };
	struct testament_failed failed;
	struct testament_message m;

	LET_IN(TESTAMENT_HELLO, hello, 0, FROM_NEW);
	expect_refused(TESTAMENT_HELLO, &hello, 0, FROM_OLD);
	LET_IN(TESTAMENT_READY, ready, 0, FROM_NEW);
	expect_refused(TESTAMENT_READY, &other, 0, FROM_NEW);
	expect_refused(TESTAMENT_READY, &ready, 1, FROM_NEW);
	memset(&failed, 'x', sizeof(failed));
	assert_int_equal(deliver(TESTAMENT_FAILED, &failed, 0, FROM_NEW, &m), 1);
	assert_int_equal(strlen(m.failed.reason), sizeof(failed.reason) - 1);
}

static void expect_raw_refused(uint32_t type, size_t size, unsigned n_fds)
{
	unsigned n_before = n_open_fds();
	struct testament_message m;

	send_raw(ends[1], type, size, n_fds);
	assert_int_equal(testament_receive(ends[0], FROM_OLD, &m), -EPROTO);
	assert_int_equal(n_open_fds(), n_before);
}

/* Of no size but the right one; nothing here is sound, because it is all zero. */
static void check_sizes(void)
{
	for (uint32_t type = 0; type < TESTAMENT_N_TYPES + 2; type++)
		for (size_t size = 0; size <= TESTAMENT_PAYLOAD_MAX + 4; size++)
			if (type != TESTAMENT_SLOT && type != TESTAMENT_SPARES && type != TESTAMENT_HELD &&
			    type != TESTAMENT_GO)
				expect_raw_refused(type, size, (unsigned)size % WIRE_FDS_MAX);
	expect_raw_refused(TESTAMENT_GO, sizeof(struct testament_go) + 1, 0);
	expect_raw_refused(TESTAMENT_GO, sizeof(struct testament_go) - 1, 0);
	expect_raw_refused(TESTAMENT_GO, sizeof(struct testament_go), 1);
}

static void testament_lets_only_sound_messages_in(void **state)
{
	struct testament_message m;

	assert_int_equal(testament_pair(ends), 0);
	assert_int_equal(testament_receive(ends[0], FROM_NEW, &m), 0);
	check_pools();
	check_slots();
	check_stores();
	check_the_rest();
	check_sizes();
	close(ends[1]);
	assert_int_equal(testament_receive(ends[0], FROM_NEW, &m), -EPIPE);
	close(ends[0]);
}

TEST_MAIN(testament_lets_only_sound_messages_in)
