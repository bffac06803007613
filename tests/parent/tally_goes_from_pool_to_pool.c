/* SPDX-License-Identifier: MIT */
/* What the kernel's program counts is corrected, and its listeners go from one parent to the next and back. */
#include "parent/unit.h"

#include "base/clock.h"
#include "parent/child.h"
#include "parent/crew.h"
#include "parent/custody.h"
#include "parent/tally.h"
#include "parent/weigh.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define N 3
#define A_SLOT 4

static struct config config = {
	.options = {
		.size = sizeof(config.options), .workers = N, .model = BROOD_REUSEPORT, .balance = BROOD_BALANCE_LEAST,
		.restart_limit = 3, .restart_window_ms = 1000, .backoff_min_ms = 10, .backoff_max_ms = 100,
	},
	.n_listeners = 1,
};
static int listen_fd[N];
static int client[N * A_SLOT];

static void open_listeners(void)
{
	struct address *address = &config.listen[0];

	assert_int_equal(address_parse("127.0.0.1:0", address), 0);
	for (int i = 0; i < N; i++) {
		listen_fd[i] = address_bind(address, true);
		assert_true(listen_fd[i] >= 0);
		assert_int_equal(listen(listen_fd[i], 64), 0);
		assert_int_equal(getsockname(listen_fd[i], &address->any, &address->len), 0);
	}
}

/* A pool with duplicates of the listeners and a worker in each slot. */
static struct crew *create(void)
{
	struct crew *crew;

	assert_int_equal(crew_create(&config, &crew), 0);
	if (tally_create(crew) < 0) {
		puts(crew->why_not_least);
		exit(77);	/* as tests/run has it: skipped */
	}
	slot_each(crew, slot) {
		struct child *child = &crew->children[slot->index];

		*child = (struct child){ .serial = slot->index + 1, .slot = slot->index, .phase = CHILD_SERVING };
		slot->incumbent = child;
		slot->listen_fd[0] = dup(listen_fd[slot->index]);
		group_add(&crew->groups[0], slot->index);
	}
	return crew;
}

static void forget(struct crew *crew)
{
	slot_each(crew, slot)
		slot->incumbent->serial = 0;
	crew_destroy(crew);
}

static void dial(void)
{
	for (int i = 0; i < N * A_SLOT; i++) {
		client[i] = socket(AF_INET, SOCK_STREAM, 0);
		assert_int_equal(connect(client[i], &config.listen[0].any, config.listen[0].len), 0);
	}
}

/* Takes all that is queued and ends it, which no worker publishes. */
static void hang_up(void)
{
	int fd;

	for (int i = 0; i < N; i++)
		while ((fd = accept4(listen_fd[i], NULL, NULL, SOCK_NONBLOCK)) >= 0)
			close(fd);
	for (int i = 0; i < N * A_SLOT; i++)
		close(client[i]);
}

static void expect_loads(struct crew *crew, int64_t load)
{
	slot_each(crew, slot)
		assert_int_equal(least_load(crew->least, slot->index), load);
}

static void expect_equal_shares(struct crew *crew)
{
	dial();
	slot_each(crew, slot)
		assert_int_equal(custody_n_queued(slot), A_SLOT);
}

static void attach(struct crew *crew)
{
	tally_settle(crew);
	assert_true(tally_attach(crew, 0));
}

/* Nobody has what was given, which counts when it was seen twice. */
static void what_never_came_is_corrected(struct crew *crew)
{
	expect_equal_shares(crew);
	expect_loads(crew, A_SLOT);
	tally_correct(crew);
	tally_correct(crew);
	expect_loads(crew, A_SLOT);	/* they wait */
	hang_up();
	tally_correct(crew);
	expect_loads(crew, A_SLOT);
	tally_correct(crew);
	expect_loads(crew, 0);
}

static void nonsense_is_corrected_at_once(struct crew *crew)
{
	board_set(tally_settled(crew, 1), UINT64_MAX / 2);
	tally_correct(crew);
	expect_loads(crew, 0);
}

static void expect_in_force(const struct crew *crew, const char *name)
{
	assert_string_equal(weigh_name(crew), name);
	assert_true((strcmp(name, "hash") == 0) == (tally_next_ms(crew) != 0));
}

static void it_goes_to_the_next_and_back(struct crew *first, struct crew *second)
{
	tally_come(second);
	expect_in_force(second, "hash");
	expect_equal_shares(first);
	tally_expire(second);
	expect_in_force(second, "hash");
	tally_leave(first);
	tally_expire(second);
	expect_in_force(second, "least");
	attach(second);
	expect_loads(second, A_SLOT);	/* what waits is counted */
	hang_up();
	expect_equal_shares(second);
	hang_up();
	tally_leave(second);
	tally_come(first);
	expect_in_force(first, "least");
	attach(first);
	expect_equal_shares(first);
	hang_up();
}

/* One that has died let go of nothing, and its map is gone a while after its program. */
static void it_comes_from_a_dead_one(struct crew *first, struct crew *second)
{
	const uint64_t patience_ms = clock_ms() + 10000;

	tally_leave(first);
	tally_come(second);
	expect_in_force(second, "least");
	attach(second);
	tally_come(first);
	expect_in_force(first, "hash");
	forget(second);
	attach(first);
	while (tally_next_ms(first) != 0 && clock_ms() < patience_ms) {
		usleep(1000);
		tally_expire(first);
	}
	expect_in_force(first, "least");
	tally_settle(first);
	expect_equal_shares(first);
	hang_up();
}

static void tally_goes_from_pool_to_pool(void **state)
{
	struct crew *first, *second;

	open_listeners();
	first = create();
	second = create();
	slot_each(first, slot)
		tally_join(first, slot, 0);
	expect_in_force(first, "least");
	attach(first);
	what_never_came_is_corrected(first);
	nonsense_is_corrected_at_once(first);
	it_goes_to_the_next_and_back(first, second);
	it_comes_from_a_dead_one(first, second);
	forget(first);
}

TEST_MAIN(tally_goes_from_pool_to_pool)
