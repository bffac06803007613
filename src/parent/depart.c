/* SPDX-License-Identifier: MIT */
/*
 * depart - slots that leave or close: when may their listeners be closed?
 *
 * They were steered around. Once the handshakes that were begun before are over, the queue of each is looked into until
 * it is empty, or until the drain timeout.
 */
#include "parent/depart.h"

#include "base/log.h"
#include "parent/child.h"
#include "parent/crew.h"
#include "parent/custody.h"
#include "parent/intake.h"
#include "parent/steer.h"
#include "parent/transfer.h"

/* For handshakes begun before a slot was steered around: a lost acknowledgement is repeated after a second. */
#define HANDSHAKES_MS 3000
/* Between two looks into a queue that is to be empty. */
#define LOOK_MS 5

/* Those that were about to leave wait with the new ones. */
void depart_begin(struct crew *crew)
{
	struct departures *d = &crew->departures;

	if (intake_has_own(crew))
		steer_settle(crew);
	handshakes_begin(&d->handshakes, crew->now_ms, crew->now_ms + HANDSHAKES_MS);
	d->deadline_ms = crew->now_ms + crew->config->options.drain_timeout_ms;
}

uint64_t depart_next_ms(const struct crew *crew)
{
	return crew->stopping ? 0 : crew->departures.handshakes.look_ms;
}

/*
 * A program may take the end of its socket for an error, and die of it. So it is told to go while the socket is whole,
 * and that is ended when the program is gone. Return: whether it is.
 */
static bool has_program_left(struct crew *crew, struct slot *slot)
{
	if (slot->state == SLOT_LEAVING) {
		child_drain(crew, slot->incumbent, crew->config->options.drain_timeout_ms, false);
		slot->incumbent = NULL;
		slot_on(crew, slot, ON_GONE);
	}
	child_each(crew, child)
		if (child->slot == slot->index)
			return false;
	return true;
}

/* Return: whether it is closed. */
static bool close_queue(struct crew *crew, struct slot *slot)
{
	bool guest = crew->config->guest && intake_has_own(crew);
	bool is_read = slot->state == SLOT_LEAVING || !guest;
	unsigned n = intake_n_queued(crew, slot);

	if (n > 0 && is_read && crew->now_ms < crew->departures.deadline_ms)
		return false;
	if (guest && !has_program_left(crew, slot))
		return false;
	if (n > 0)
		log_warn("worker %u: leaves %u connection%s unserved in its queue", slot->index, n, n == 1 ? "" : "s");
	transfer_close(crew, slot);
	custody_end(crew, slot, n > 0 || crew->now_ms >= crew->departures.handshakes.most_ms);
	slot_on(crew, slot, ON_CLOSED);
	return true;
}

static bool are_handshakes_over(struct crew *crew)
{
	uint16_t ports[LISTENERS_MAX];
	unsigned n_ports;

	if (!intake_has_own(crew))
		return true;	/* they are with a socket that stays */
	n_ports = config_ports(crew->config, ports);
	return handshakes_over(&crew->departures.handshakes, ports, n_ports, crew->now_ms);
}

void depart_look(struct crew *crew)
{
	bool all = are_handshakes_over(crew);

	if (!all)
		return;
	crew->departures.handshakes.look_ms = crew->now_ms + LOOK_MS;
	slot_each(crew, slot)
		if (slot->state == SLOT_LEAVING || slot->state == SLOT_CLOSING)
			all &= close_queue(crew, slot);
	if (all)
		crew->departures.handshakes.look_ms = 0;
}
