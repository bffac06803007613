/* SPDX-License-Identifier: MIT */
/*
 * tally - under balance `least`: what the program in the kernel believes of the slots is kept true
 *
 * The program counts what it gives, each worker publishes what it is done with (balance/least.h). Here it is said
 * which slots may be chosen and which process serves each; and where the difference is not what a slot has, twice
 * in a row, it is corrected: handshakes that were begun and given up, connections taken by a borrower.
 *
 * A listener can be in the map of one program only. So in an upgrade the old parent takes all of its own out before
 * it leaves, and the new one joins them after. Until it has them all, the kernel's hash decides.
 *
 * Fails by: a socket or a program that is refused once the pool runs; then weights go on (weigh.c). An old parent
 * that has died has taken nothing out: its map is gone a while after its program was replaced, so it is tried
 * again.
 */
#include "parent/tally.h"

#include "base/log.h"
#include "parent/child.h"
#include "parent/crew.h"
#include "parent/custody.h"
#include "parent/obituary.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Of a slot; beyond it somebody wrote nonsense. */
#define LOAD_MOST (1ll << 32)
/* Before another try to join; twice as long each time. */
#define JOIN_FIRST_MS	10
#define JOIN_MOST_MS	1000

_Static_assert(LEAST_LISTENERS == LISTENERS_MAX && LEAST_SLOTS == WORKERS_MAX, "a place for each");

/* The members of a group that is not ours alone cannot be told apart. */
static bool is_ours(const struct brood_options *o)
{
	return o->model == BROOD_REUSEPORT && !o->join;
}

/* With one worker there is nothing to choose, and the program costs a start some milliseconds. */
static bool is_wanted(const struct brood_options *o)
{
	return is_ours(o) &&
	       (o->balance == BROOD_BALANCE_LEAST || (o->balance == BROOD_BALANCE_AUTO && o->workers > 1));
}

int tally_create(struct crew *crew)
{
	const struct brood_options *o = &crew->config->options;
	int r;

	crew->balance = is_ours(o) ? o->balance : BROOD_BALANCE_HASH;
	if (crew->balance == BROOD_BALANCE_AUTO)
		crew->balance = BROOD_BALANCE_WEIGHTED;
	if (!is_wanted(o) || crew->config->guest)	/* programs do not tell what they are done with */
		return 0;
	r = least_create(&crew->least, crew->why_not_least, sizeof(crew->why_not_least));
	if (r == 0)
		crew->balance = BROOD_BALANCE_LEAST;
	return o->balance == BROOD_BALANCE_LEAST ? r : 0;
}

_Atomic uint64_t *tally_settled(const struct crew *crew, unsigned row)
{
	return crew->least ? least_settled(crew->least, row) : NULL;
}

/* Whoever wants to know why finds it in the status as well. */
static void give_up(struct crew *crew, int error)
{
	snprintf(crew->why_not_least, sizeof(crew->why_not_least), "%s", strerror(-error));
	log_warn("balance: least: %s; going on with weighted", crew->why_not_least);
	crew->balance = BROOD_BALANCE_WEIGHTED;
	crew->steer_due = true;
}

/* Return: 0, or -EBUSY; anything else has ended the whole of it. */
static int join(struct crew *crew, struct slot *slot, unsigned index)
{
	int r = least_join(crew->least, index, slot->index, slot->listen_fd[index]);

	if (r == 0)
		slot->joined |= 1u << index;
	else if (r != -EBUSY)
		give_up(crew, r);
	return r;
}

void tally_join(struct crew *crew, struct slot *slot, unsigned index)
{
	if (crew->balance == BROOD_BALANCE_LEAST && join(crew, slot, index) == -EBUSY)
		give_up(crew, -EBUSY);
}

static bool has_joined(const struct slot *slot, unsigned index)
{
	return slot->listen_fd[index] < 0 || (slot->joined >> index & 1);
}

/* Return: whether every listener has. */
static bool join_all(struct crew *crew)
{
	bool all = true;

	slot_each(crew, slot)
		for (unsigned i = 0; i < crew->config->n_listeners && crew->balance == BROOD_BALANCE_LEAST; i++)
			if (!has_joined(slot, i))
				all &= join(crew, slot, i) == 0;
	return all || crew->balance != BROOD_BALANCE_LEAST;
}

static void try_to_join(struct crew *crew)
{
	if (join_all(crew)) {
		crew->join_ms = 0;
		slot_each(crew, slot)
			slot->tallied = 0;
		return;
	}
	crew->join_ms = crew->now_ms + crew->join_wait_ms;
	crew->join_wait_ms = 2 * crew->join_wait_ms < JOIN_MOST_MS ? 2 * crew->join_wait_ms : JOIN_MOST_MS;
}

void tally_come(struct crew *crew)
{
	crew->join_wait_ms = JOIN_FIRST_MS;
	if (crew->balance == BROOD_BALANCE_LEAST)
		try_to_join(crew);
}

void tally_leave(struct crew *crew)
{
	if (!crew->least)
		return;
	crew->join_ms = 0;
	slot_each(crew, slot) {
		for (unsigned i = 0; i < LISTENERS_MAX; i++)
			if (slot->joined >> i & 1)
				least_leave(crew->least, i, slot->index);
		slot->joined = 0;
	}
}

uint64_t tally_next_ms(const struct crew *crew)
{
	return crew->stopping ? 0 : crew->join_ms;
}

void tally_expire(struct crew *crew)
{
	try_to_join(crew);
	log_debug("balance: least: %s", crew->join_ms ? "the pool before us has listeners still" : "joined");
}

bool tally_attach(struct crew *crew, unsigned index)
{
	const struct group *group = &crew->groups[index];
	int r = least_attach(crew->least, index, crew->slots[group->slot[0]].listen_fd[index]);

	if (r < 0)
		give_up(crew, r);
	return r == 0;
}

/* The board can say anything. */
static int64_t n_open(const struct crew *crew, const struct child *child)
{
	uint64_t n = board_get(&child_row(crew, child)->connections);

	return n < UINT32_MAX ? (int64_t)n : UINT32_MAX;
}

static void assign(struct crew *crew, struct slot *slot)
{
	const struct child *child = slot->incumbent;

	slot->tallied = child->serial;
	slot->drift = 0;
	least_assign(crew->least, slot->index, (unsigned)(child - crew->children),
		     (uint64_t)n_open(crew, child) + custody_n_queued(slot));
}

void tally_settle(struct crew *crew)
{
	if (crew->balance != BROOD_BALANCE_LEAST)
		return;
	slot_each(crew, slot) {
		if (slot->incumbent && slot->incumbent->serial != slot->tallied)
			assign(crew, slot);
		least_open(crew->least, slot->index,
			   !slot->around && custody_complete(crew, slot) && crew->join_ms == 0);
	}
	least_resize(crew->least, crew->n_slots);
}

/* What two looks in a row have found. */
static int64_t common(int64_t a, int64_t b)
{
	if ((a > 0) != (b > 0))
		return 0;
	return (a < b) == (a > 0) ? a : b;
}

static void correct(struct crew *crew, struct slot *slot)
{
	int64_t load = least_load(crew->least, slot->index);
	int64_t drift, by;

	if (load < -LOAD_MOST || load > LOAD_MOST) {
		assign(crew, slot);
		return;
	}
	drift = load - n_open(crew, slot->incumbent);
	if (drift != 0)
		drift -= custody_n_queued(slot);
	by = common(drift, slot->drift);
	if (by != 0)
		least_correct(crew->least, slot->index, -by);
	slot->drift = drift - by;
}

void tally_correct(struct crew *crew)
{
	slot_each(crew, slot)
		if (slot->incumbent && slot->incumbent->serial == slot->tallied)
			correct(crew, slot);
}
