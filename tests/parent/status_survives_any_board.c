/* SPDX-License-Identifier: MIT */
#include "parent/unit.h"

#include "parent/child.h"
#include "parent/control.h"
#include "parent/crew.h"
#include "parent/post.h"

#include <stdlib.h>
#include <string.h>

static struct config config = {
	.options = {
		.size = sizeof(config.options), .workers = WORKERS_MAX, .drain_timeout_ms = 1000, .restart_limit = 3,
		.restart_window_ms = 1000, .backoff_min_ms = 10, .backoff_max_ms = 100, .surge = 1,
	},
	.n_listeners = 1,
};

/* A worker in every slot, whose row and last words are any bytes. */
static void fill(struct crew *crew)
{
	slot_each(crew, slot) {
		struct child *child = &crew->children[crew->n_children++];
		volatile unsigned char *row = (volatile unsigned char *)child_row(crew, child);

		*child = (struct child){
			.serial = ++crew->last_serial, .pid = 1, .pid_fd = -1, .channel_fd = -1, .slot = slot->index,
			.phase = CHILD_SERVING, .ever_ready = true, .silent = rand() % 2,
		};
		for (size_t i = 0; i < sizeof(struct board_row); i++)
			row[i] = (unsigned char)rand();
		slot->state = SLOT_READY;
		slot->incumbent = child;
		slot->died_ms = 1;
		for (size_t i = 0; i < sizeof(slot->death) - 1; i++)
			slot->death[i] = (char)(1 + rand() % 255);
	}
}

static void status_survives_any_board(void **state)
{
	static const char request[] = "{\"command\":\"status\"}";
	struct crew *crew;
	json_t *status;
	char *reply;
	size_t len;
	bool listens;

	srand(1);
	assert_int_equal(address_parse("[::1]:80", &config.listen[0]), 0);
	assert_int_equal(crew_create(&config, &crew), 0);
	assert_int_equal(post_create(crew), 0);
	fill(crew);
	for (int turn = 0; turn < 2; turn++) {		/* the second is to the longest that can be told */
		reply = command_run(crew, request, sizeof(request) - 1, &len, &listens);
		assert_non_null(reply);
		assert_true(len < CONTROL_REPLY_MAX);
		status = json_loadb(reply, len, 0, NULL);
		assert_int_equal(json_array_size(json_object_get(status, "slots")), WORKERS_MAX);
		json_decref(status);
		free(reply);
		slot_each(crew, slot)
			memset(slot->death, 1, sizeof(slot->death) - 1);
	}
	child_each(crew, child) {
		child_detach(crew, child);
		child_destroy(crew, child);
	}
	post_destroy(crew);
	crew_destroy(crew);
}

TEST_MAIN(status_survives_any_board)
