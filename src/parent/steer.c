/* SPDX-License-Identifier: MIT */
/*
 * steer - which listeners of a reuseport group get new connections
 *
 * Under balance `hash` the kernel decides as long as all do, else a program on the group. A slot that leaves,
 * that has given up, or whose listeners are lent, is steered around. What it has in its queue is for custody to
 * have emptied.
 *
 * A group that another pool has as well is steered by one of the two: by the old one until it leaves.
 *
 * Fails by: a program that is refused; then the hash goes on, and custody's lending has to do. So it is in a group
 * that we share with others: its order is not ours, and a program would name their members.
 */
#include "parent/steer.h"

#include "balance/attach.h"
#include "balance/program.h"
#include "base/log.h"
#include "parent/crew.h"
#include "parent/event.h"
#include "parent/takeover.h"
#include "parent/tally.h"

#include <string.h>

static bool goes_around(const struct crew *crew, const struct slot *slot)
{
	if (slot->state == SLOT_LEAVING || slot->state == SLOT_CLOSING)
		return true;
	if (crew->config->guest && !slot->was_ready)	/* its socket listens before the program is there */
		return true;
	return slot->orphaned_ms != 0 && slot->orphaned_ms <= crew->now_ms;
}

/* Return: how many members get connections. */
static unsigned weigh(const struct crew *crew, const struct group *group, uint32_t ret_weights[GROUP_MOST])
{
	unsigned n = 0;

	for (unsigned i = 0; i < group->n; i++) {
		const struct slot *slot = &crew->slots[group->slot[i]];

		ret_weights[i] = slot->around ? 0 : slot->weight;
		n += !slot->around;
	}
	return n;
}

static int attach_listeners(struct crew *crew, unsigned index)
{
	const struct group *group = &crew->groups[index];
	struct sock_filter code[PROGRAM_MOST];
	uint32_t weights[GROUP_MOST];
	unsigned n_open = weigh(crew, group, weights);
	int fd = crew->slots[group->slot[0]].listen_fd[index];
	bool admin = config_is_admin(crew->config, index);	/* who comes there is no load */

	if (crew->config->options.join || crew->stranger_told)
		return attach_nothing(fd);
	if (crew->balance == BROOD_BALANCE_LEAST && !admin && tally_attach(crew, index))
		return 0;
	if (n_open == group->n && (admin || crew->balance == BROOD_BALANCE_HASH))
		return attach_nothing(fd);
	/* the next is a program's: see above */
	if (crew->steer_blind || n_open == 0 || (group->n == 1 && !crew->config->guest))
		return attach_nothing(fd);
	return attach_program(fd, code, program_write(weights, group->n, code));
}

static int attach(struct crew *crew, unsigned index)
{
	if (config_has_datagram_group(crew->config, index))
		return datagrams_steer(crew, index);
	return crew->groups[index].n > 0 ? attach_listeners(crew, index) : 0;
}

/* Not yet, or not any more, when another pool steers it. */
static bool is_ours(const struct crew *crew, unsigned index)
{
	return !takeover_under_way(crew) && !(crew->stopping && (crew->shared >> index & 1));
}

void steer_settle(struct crew *crew)
{
	bool due = crew->steer_due;

	slot_each(crew, slot) {
		bool around = goes_around(crew, slot);

		if (around == slot->around)
			continue;
		due = true;
		slot->around = around;
		event_steer(crew, slot);
	}
	crew->steer_due = false;
	tally_settle(crew);
	for (unsigned i = 0; due && i < crew->config->n_listeners; i++) {
		int r = is_ours(crew, i) ? attach(crew, i) : 0;

		if (r < 0 && !crew->steer_failed)
			log_warn("steer: %s; the kernel's hash goes on", strerror(-r));
		crew->steer_failed |= r < 0;
	}
	if (crew->steer_failed || crew->steer_blind || crew->stranger_told)
		datagrams_trim(crew);	/* they cannot be steered around */
}
