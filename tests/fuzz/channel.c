/* SPDX-License-Identifier: MIT */
/*
 * channel - what a worker might send, into the real parent, without any process
 *
 * The input is a list of packets for one child of slot 0 and of things the parent does between them. No fork
 * happens: spawn_worker() here refuses, and nothing is logged: log_line() only formats. What must hold: no
 * crash, no descriptor lost or kept, the slots in states their table knows.
 */
#include "fuzz/parent.h"

#include "base/auto.h"
#include "base/must.h"
#include "parent/custody.h"
#include "parent/message.h"
#include "parent/stop.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define PACKET_BYTES_MAX 300

enum step {
	PACKET, PACKET_WITH_LISTENER, PACKET_WITH_FILE, PACKET_WITH_TWO, STOP, HURRY, LATER, HANG_UP, N_STEPS
};

static struct config config;
static int listener_fd = -1;

static void configure(void)
{
	config.options = (struct brood_options){
		.size = sizeof(config.options), .workers = 2, .drain_timeout_ms = 1000, .restart_limit = 3,
		.restart_window_ms = 1000, .backoff_min_ms = 10, .backoff_max_ms = 100,
		.start_timeout_ms = 1000,
	};
	config.n_listeners = 1;
	must(address_parse("127.0.0.1:0", &config.listen[0]) == 0);
	listener_fd = address_bind(&config.listen[0], true);
	must(listener_fd >= 0 && listen(listener_fd, 1) == 0);
	config.listen[0].len = sizeof(config.listen[0].v6);
	must(getsockname(listener_fd, &config.listen[0].any, &config.listen[0].len) == 0);
}

/* A child that was never born. */
static struct child *add_child(struct crew *crew, enum child_phase phase, int channel_fd)
{
	struct child *child = &crew->children[crew->n_children++];

	*child = (struct child){
		.serial = ++crew->last_serial, .pid = 1, .pid_fd = -1, .channel_fd = channel_fd,
		.phase = phase, .born_ms = crew->now_ms,
	};
	return child;
}

/* The child that will speak: a slot's first, its next, or one that has left its slot. */
static struct child *cast(struct crew *crew, uint8_t how, int channel_fd)
{
	struct slot *slot = &crew->slots[0];

	if (how & 1) {
		slot->state = SLOT_STARTING;
		slot->incumbent = add_child(crew, CHILD_STARTING, channel_fd);
		return slot->incumbent;
	}
	if (how & 2) {
		slot->state = SLOT_RETIRING;
		slot->incumbent = add_child(crew, CHILD_SERVING, -1);
		slot->successor = add_child(crew, CHILD_STARTING, channel_fd);
		return slot->successor;
	}
	return add_child(crew, how & 8 ? CHILD_LEAVING : CHILD_DYING, channel_fd);
}

/* One step of the input. Return: how many bytes it took. */
static size_t take_step(struct crew *crew, struct child *child, int *fd, const uint8_t *data, size_t size)
{
	const int listeners[] = { listener_fd, listener_fd };
	enum step step = data[0] % N_STEPS;
	size_t n = size > 2 ? data[1] | (size_t)(data[0] & 0x80) << 1 : 0;

	if (n > size - 2 || n > PACKET_BYTES_MAX)
		n = size > 2 ? (size - 2 < PACKET_BYTES_MAX ? size - 2 : PACKET_BYTES_MAX) : 0;
	crew->now_ms += 20;
	switch (step) {
	case PACKET:			wire_send(*fd, data + 2, n, 0, NULL); break;
	case PACKET_WITH_LISTENER:	wire_send(*fd, data + 2, n, 1, listeners); break;
	case PACKET_WITH_FILE:		wire_send(*fd, data + 2, n, 1, fd); break;
	case PACKET_WITH_TWO:		wire_send(*fd, data + 2, n, 2, listeners); break;
	case STOP:			stop_begin(crew, 0, 1000); return 1;
	case HURRY:
		if (crew->stopping)
			stop_hurry(crew);
		return 1;
	case LATER:			on_channel(crew, child); return 1;
	case HANG_UP:
		shutdown(*fd, SHUT_RDWR);
		return 1;
	case N_STEPS:
		break;
	}
	return n + 2;
}

static void play_input(struct crew *crew, const uint8_t *data, size_t size)
{
	struct child *child;
	int ends[2];

	must(channel_pair(ends) == 0);
	child = cast(crew, data[0], ends[0]);
	for (size_t at = 1; at < size; )
		at += take_step(crew, child, &ends[1], data + at, size - at);
	hear_last_words(crew, child);
	custody_settle(crew);
	child_each(crew, left) {
		child_detach(crew, left);
		child_destroy(crew, left);
	}
	close(ends[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int no_fds[LISTENERS_MAX] = { -1 };
	unsigned n_before;
	struct crew *crew;

	if (listener_fd < 0)
		configure();
	if (size == 0)
		return 0;
	n_before = n_open_fds();
	must(crew_create(&config, &crew) == 0);
	crew->reserved_fd = crew->claim_fd = no_fds;
	crew->was_ready = data[0] & 4;
	play_input(crew, data, size);
	crew_destroy(crew);
	must(n_open_fds() == n_before);
	return 0;
}
