/* SPDX-License-Identifier: MIT */
/* The queue of a slot that was given up is lent to a sibling that stays; when none does, to one that leaves. */
#include "parent/unit.h"

#include "bridge/channel.h"
#include "parent/child.h"
#include "parent/crew.h"
#include "parent/custody.h"

#include <sys/socket.h>
#include <unistd.h>

static struct config config = {
	.options = {
		.size = sizeof(config.options), .workers = 3, .model = BROOD_REUSEPORT, .restart_limit = 3,
		.restart_window_ms = 1000, .backoff_min_ms = 10, .backoff_max_ms = 100,
	},
	.n_listeners = 1,
};
static int worker_fd[3];

static void settle_in(struct crew *crew, unsigned index, enum slot_state state)
{
	struct child *child = &crew->children[index];
	int ends[2];

	assert_int_equal(channel_pair(ends), 0);
	*child = (struct child){
		.serial = index + 1, .slot = index, .phase = CHILD_SERVING, .ever_ready = true, .channel_fd = ends[0],
	};
	worker_fd[index] = ends[1];
	crew->slots[index].incumbent = child;
	crew->slots[index].state = state;
}

static void expect_message(unsigned index, enum channel_type type)
{
	struct message m;

	assert_int_equal(channel_receive(worker_fd[index], FROM_PARENT, &m), 1);
	assert_int_equal(m.type, type);
	assert_int_equal(m.lend.slot, 0);
	if (m.fd >= 0)
		close(m.fd);
}

static void expect_silence(unsigned index)
{
	struct message m;

	assert_int_equal(channel_receive(worker_fd[index], FROM_PARENT, &m), 0);
}

static void last_one_that_leaves_is_lent_to(void **state)
{
	struct crew *crew;
	struct slot *orphan;

	assert_int_equal(crew_create(&config, &crew), 0);
	orphan = &crew->slots[0];
	orphan->state = SLOT_GIVEN_UP;
	orphan->orphaned_ms = crew->now_ms;
	orphan->listen_fd[0] = socket(AF_INET, SOCK_STREAM, 0);
	settle_in(crew, 1, SLOT_LEAVING);
	settle_in(crew, 2, SLOT_READY);

	custody_settle(crew);
	assert_ptr_equal(orphan->borrower, crew->slots[2].incumbent);
	expect_message(2, CHANNEL_LEND);
	expect_silence(1);

	crew->slots[2].incumbent->phase = CHILD_LEAVING;
	custody_settle(crew);
	assert_ptr_equal(orphan->borrower, crew->slots[1].incumbent);
	expect_message(1, CHANNEL_LEND);

	crew->slots[1].incumbent->phase = CHILD_LEAVING;
	crew->slots[2].incumbent->phase = CHILD_SERVING;	/* another, say */
	custody_settle(crew);
	assert_ptr_equal(orphan->borrower, crew->slots[2].incumbent);
	expect_message(2, CHANNEL_LEND);
	custody_settle(crew);
	expect_silence(1);
	expect_silence(2);

	for (unsigned i = 1; i < 3; i++) {
		close(worker_fd[i]);
		close(crew->slots[i].incumbent->channel_fd);
		crew->slots[i].incumbent->serial = 0;
	}
	crew_destroy(crew);
}

TEST_MAIN(last_one_that_leaves_is_lent_to)
