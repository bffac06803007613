/* SPDX-License-Identifier: MIT */
/*
 * control - what a client might send on the control socket, into a parent without any process
 *
 * The input is a list of lines; between them the clock goes on and the loop's settling is done. No fork happens:
 * spawn_worker() here refuses, and nothing is logged: log_line() only formats. What must hold: each line has one
 * reply, of one line, in the grammar of base/control.h; the slots stay in states their table knows.
 */
#include "fuzz/parent.h"

#include "base/auto.h"
#include "base/must.h"
#include "parent/control.h"
#include "parent/poison.h"
#include "parent/post.h"
#include "parent/rollout.h"
#include "parent/scale.h"

#include <stdio.h>
#include <string.h>

static struct config config = {
	.options = {
		.size = sizeof(config.options), .workers = 2, .drain_timeout_ms = 1000, .restart_limit = 3,
		.restart_window_ms = 1000, .backoff_min_ms = 10, .backoff_max_ms = 100, .surge = 1,
		.start_timeout_ms = 1000, .poison_limit = 1, .model = BROOD_PREEMPTIVE,
	},
};

/* A child that was never born. */
static void add_child(struct crew *crew, struct slot *slot)
{
	struct child *child = &crew->children[crew->n_children++];

	*child = (struct child){
		.serial = ++crew->last_serial, .pid = 1, .pid_fd = -1, .channel_fd = -1, .slot = slot->index,
		.phase = CHILD_SERVING, .ever_ready = true, .born_ms = crew->now_ms, .ready_ms = crew->now_ms,
	};
	slot->state = SLOT_READY;
	slot->was_ready = true;
	slot->incumbent = child;
}

static void add_poison(struct crew *crew, const uint8_t *data, size_t size)
{
	struct crash_msg crash = { .fingerprint = 7 };

	memcpy(crash.request, data, size < sizeof(crash.request) - 1 ? size : sizeof(crash.request) - 1);
	poison_note(crew, &crash);
}

static void ask(struct crew *crew, const char *line, size_t len)
{
	bool listens;
	size_t n;
	autofree char *reply = command_run(crew, line, len, &n, &listens);
	json_t *read;

	must(reply && n > 1 && n <= CONTROL_REPLY_MAX);
	must(memchr(reply, '\n', n) == reply + n - 1);
	read = json_loadb(reply, n, JSON_REJECT_DUPLICATES, NULL);
	must(json_is_boolean(json_object_get(read, "ok")));
	must(json_is_true(json_object_get(read, "ok")) == !json_is_string(json_object_get(read, "error")));
	json_decref(read);
}

static void play_input(struct crew *crew, const char *at, size_t size)
{
	while (size > 0) {
		const char *end = memchr(at, '\n', size);
		size_t len = end ? (size_t)(end - at) : size;

		ask(crew, at, len);
		crew->now_ms += 20;
		if (!crew->stopping) {
			scale_settle(crew);
			rollout_grant(crew);
		}
		at += len + (end != NULL);
		size -= len + (end != NULL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int no_fds[LISTENERS_MAX] = { -1 };
	struct crew *crew;

	must(crew_create(&config, &crew) == 0);
	must(post_create(crew) == 0);
	crew->reserved_fd = crew->claim_fd = no_fds;
	slot_each(crew, slot)
		add_child(crew, slot);
	crew->was_ready = true;
	add_poison(crew, data, size);
	play_input(crew, (const char *)data, size);
	child_each(crew, left) {
		child_detach(crew, left);
		child_destroy(crew, left);
	}
	post_destroy(crew);
	crew_destroy(crew);
	return 0;
}
