/* SPDX-License-Identifier: MIT */
/*
 * transfer - connections on their way from one worker to another
 *
 * A slot has an inbox, its workers inherit the taking end; a worker that is to give gets the giving end of
 * another's: all that is idle when it drains, or some (--rebalance). Both ends stay here as well, so that what a
 * dead worker was given is for the next one in its slot, or, where that takes long, for somebody else.
 *
 * For --rebalance this looks once a second at most, along with the look at the heartbeats, and gives orders only
 * when rebalance.c finds a reason.
 */
#include "parent/transfer.h"

#include "base/log.h"
#include "bridge/channel.h"
#include "bridge/handoff.h"
#include "bridge/rights.h"
#include "parent/child.h"
#include "parent/crew.h"
#include "parent/rebalance.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BETWEEN_MS 900		/* a little less than the looks, which are not exact */
#define RESCUES_A_TURN 16	/* messages of an orphaned queue */

int transfer_open(struct slot *slot)
{
	int ends[2];
	int r = slot->take_fd < 0 ? handoff_pair(ends) : 1;

	if (r != 0)
		return r < 0 ? r : 0;
	slot->give_fd = ends[0];
	slot->take_fd = ends[1];
	return 0;
}

static bool takes_part(const struct slot *slot)
{
	return slot->state == SLOT_READY && slot->give_fd >= 0 && child_serves(slot->incumbent);
}

/* One that retires leaves its inbox to its successor. */
static bool reads_on(const struct slot *slot)
{
	return takes_part(slot) ||
	       (slot->state == SLOT_RETIRING && slot->give_fd >= 0 && child_serves(slot->incumbent));
}

/* Return: the next slot after @slot that reads on, NULL = there is none. */
static const struct slot *find_sibling(const struct crew *crew, const struct slot *slot)
{
	for (unsigned i = 1; i < crew->n_slots; i++) {
		const struct slot *sibling = &crew->slots[(slot->index + i) % crew->n_slots];

		if (reads_on(sibling))
			return sibling;
	}
	return NULL;
}

/* Of what slot @index was given. Return: whether there may be more. */
static bool move_message(unsigned index, int take_fd, int give_fd)
{
	int fds[HANDOFF_MOST];
	unsigned n_lost = 0;
	int n = handoff_take(take_fd, fds, &n_lost);
	int r = n > 0 ? handoff_give(give_fd, fds, (unsigned)n) : 0;

	if (r < 0)
		n_lost += (unsigned)n;
	if (n_lost > 0)
		log_warn("worker %u: %u connections given to it are lost", index, n_lost);
	if (n > 0)
		rights_discard_all(fds, (unsigned)n);
	return n > 0 || n == -EPROTO;
}

static void disinherit(struct slot *slot)
{
	if (slot->heir_fd >= 0)
		close(slot->heir_fd);
	slot->heir_fd = -1;
}

static void close_inbox(struct slot *slot)
{
	close(slot->give_fd);
	close(slot->take_fd);
	slot->give_fd = slot->take_fd = -1;
}

static void rescue(struct crew *crew, const struct slot *slot)
{
	const struct slot *sibling = find_sibling(crew, slot);

	for (unsigned i = 0; sibling && i < RESCUES_A_TURN; i++)
		if (!move_message(slot->index, slot->take_fd, sibling->give_fd))
			return;
}

static void send_heir(const struct child *child, int inbox_fd)
{
	if (inbox_fd >= 0)
		/* else it closes what is idle */
		(void)channel_send(child->channel_fd, CHANNEL_HEIR, NULL, inbox_fd);
}

/* Of the pool after us: that of the same slot, or of any, because this one may be of a slot that is no more. */
static int inbox_after_us(const struct crew *crew, unsigned index)
{
	if (index < crew->n_slots && crew->slots[index].heir_fd >= 0)
		return crew->slots[index].heir_fd;
	slot_each(crew, slot)
		if (slot->heir_fd >= 0)
			return slot->heir_fd;
	return -1;
}

static bool has_room(int give_fd)
{
	struct pollfd look = { .fd = give_fd, .events = POLLOUT };

	return give_fd >= 0 && poll(&look, 1, 0) > 0 && (look.revents & (POLLOUT | POLLERR | POLLHUP)) == POLLOUT;
}

void transfer_leave(const struct crew *crew, unsigned index, int take_fd)
{
	slot_each(crew, slot)
		for (unsigned i = 0; i < RESCUES_A_TURN && has_room(slot->heir_fd); i++)
			if (!move_message(index, take_fd, slot->heir_fd))
				return;
}

void transfer_name_heir(const struct crew *crew, struct child *child)
{
	const struct slot *slot = &crew->slots[child->slot];

	child->heir = 0;
	if (crew->stopping) {
		send_heir(child, inbox_after_us(crew, child->slot));
		return;
	}
	if (!reads_on(slot) || slot->incumbent == child)
		slot = find_sibling(crew, slot);
	if (!slot)
		return;
	child->heir = slot->index + 1;
	send_heir(child, slot->give_fd);
}

/* Who leaves too is no heir any more. */
static void name_others(struct crew *crew, const struct slot *slot)
{
	child_each(crew, child)
		if (child->phase == CHILD_LEAVING && child->channel_fd >= 0 && child->heir == slot->index + 1)
			transfer_name_heir(crew, child);
}

void transfer_disinherit(struct crew *crew)
{
	slot_each(crew, slot)
		disinherit(slot);
}

void transfer_end(const struct slot *slot)
{
	if (slot->give_fd >= 0)
		(void)shutdown(slot->give_fd, SHUT_WR);
}

void transfer_close(struct crew *crew, struct slot *slot)
{
	disinherit(slot);
	if (slot->take_fd < 0)
		return;
	name_others(crew, slot);
	transfer_end(slot);	/* what still gives keeps the rest */
	rescue(crew, slot);
	close_inbox(slot);
}

void transfer_settle(struct crew *crew)
{
	slot_each(crew, slot)
		if (slot->take_fd >= 0 && slot->orphaned_ms && slot->orphaned_ms <= crew->now_ms)
			rescue(crew, slot);
}

void transfer_stop(struct crew *crew)
{
	slot_each(crew, slot) {
		if (!child_serves(slot->incumbent))
			transfer_close(crew, slot);	/* while there are others to take it */
	}
	slot_each(crew, slot)
		transfer_end(slot);
	child_each(crew, child)		/* those whose heirs have just become none */
		if (child->phase == CHILD_LEAVING && child->channel_fd >= 0 && child->heir != 0)
			transfer_name_heir(crew, child);
}

unsigned transfer_destroy(struct crew *crew)
{
	unsigned n = 0;

	slot_each(crew, slot) {
		disinherit(slot);
		if (slot->take_fd < 0)
			continue;
		n += handoff_discard(slot->take_fd);
		close_inbox(slot);
	}
	return n;
}

static struct holding tally_of(const struct crew *crew, struct slot *slot)
{
	struct holding holding = { .takes_part = takes_part(slot), .before = slot->n_connections };

	if (holding.takes_part) {
		uint64_t n = board_get(&child_row(crew, slot->incumbent)->connections);

		holding.now = n < INT32_MAX ? (uint32_t)n : INT32_MAX;	/* the board can say anything */
	}
	slot->n_connections = holding.now;
	return holding;
}

static void order(struct crew *crew, const struct move *move)
{
	const struct shed_msg shed = { .n = move->n };
	const struct slot *from = &crew->slots[move->from], *to = &crew->slots[move->to];
	int r = channel_send(from->incumbent->channel_fd, CHANNEL_SHED, &shed, to->give_fd);

	if (r == 0)
		log_debug("rebalance: worker %u is to give %u of %u connections to worker %u, who has %u",
			  move->from, move->n, from->n_connections, move->to, to->n_connections);
}

void transfer_look(struct crew *crew)
{
	static struct holding holdings[WORKERS_MAX];
	static struct move moves[WORKERS_MAX];
	unsigned n;

	if (!crew->config->options.rebalance || crew->stopping || crew->now_ms < crew->transfer_ms + BETWEEN_MS)
		return;
	crew->transfer_ms = crew->now_ms;
	slot_each(crew, slot)
		holdings[slot->index] = tally_of(crew, slot);
	n = rebalance_decide(holdings, crew->n_slots, moves);
	for (unsigned i = 0; i < n; i++)
		order(crew, &moves[i]);
}
