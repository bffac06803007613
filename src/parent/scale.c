/* SPDX-License-Identifier: MIT */
/*
 * scale - more workers, or fewer, losing nothing
 *
 * Slots are added at the end and taken from the end, so that none changes its number. One that is added is in
 * the group when its worker could serve. One that leaves is steered around first; its queue is emptied, then
 * closed, and only then its worker drains (intake.c).
 */
#include "parent/scale.h"

#include "base/log.h"
#include "parent/crew.h"
#include "parent/event.h"
#include "parent/intake.h"
#include "parent/obituary.h"
#include "parent/takeover.h"
#include "parent/upgrade.h"

#include <string.h>

static bool is_leaving(enum slot_state state)
{
	return state == SLOT_LEAVING || state == SLOT_CLOSING;
}

static const char *refusal(const struct crew *crew, unsigned n)
{
	if (crew->stopping)
		return "the pool is stopping";
	if (upgrade_under_way(crew) || takeover_under_way(crew))
		return "an upgrade is under way";
	if (!crew->was_ready)
		return "the pool is not ready yet";
	if (n < 1)
		return "one worker is the least";
	return n > WORKERS_MAX ? "512 workers are the most" : NULL;
}

_Static_assert(WORKERS_MAX == 512, "as refusal() says");

const char *scale_to(struct crew *crew, unsigned n)
{
	const char *why_not = refusal(crew, n);

	if (why_not || n == crew->n_wanted)
		return why_not;
	log_info("scaling from %u to %u worker%s", crew->n_wanted, n, n == 1 ? "" : "s");
	crew->n_wanted = n;
	crew->scale_ms = crew->now_ms;
	event_pool(crew, "scale", "begun", "");
	return NULL;
}

void scale_back(struct crew *crew, const struct slot *slot)
{
	log_error("scaling: worker %u did not get ready; going back to %u worker%s", slot->index, slot->index,
		  slot->index == 1 ? "" : "s");
	event_pool(crew, "scale", "failed", slot->death);
	if (slot->index < crew->n_wanted)
		crew->n_wanted = slot->index;
}

/* Without queues for them new slots cannot be. */
static void resize(struct crew *crew, unsigned n_slots)
{
	unsigned before = crew->n_slots;
	int r;

	crew_resize(crew, n_slots);
	r = intake_resize(crew);
	if (r == 0)
		return;
	log_error("scaling: %s; going back to %u workers", strerror(-r), before);
	crew_resize(crew, before);
	crew->n_wanted = before;
	(void)intake_resize(crew);	/* fewer are never refused */
}

static void grow(struct crew *crew)
{
	if (crew->n_wanted > crew->n_slots)
		resize(crew, crew->n_wanted);
	slot_each(crew, slot)
		if (slot->state == SLOT_EMPTY && slot->index < crew->n_wanted && !crew->stopping)
			slot_on(crew, slot, ON_TURN);
}

static void shrink(struct crew *crew)
{
	unsigned n = crew->n_slots;

	slot_each(crew, slot)
		if (slot->index >= crew->n_wanted && slot->state != SLOT_EMPTY && !is_leaving(slot->state))
			slot_on(crew, slot, ON_LEAVE);
	while (n > crew->n_wanted && crew->slots[n - 1].state == SLOT_EMPTY)
		n--;
	if (n < crew->n_slots)
		resize(crew, n);
}

static bool is_done(struct crew *crew)
{
	slot_each(crew, slot)
		if (!slot->was_ready || is_leaving(slot->state))
			return false;
	return crew->n_slots == crew->n_wanted;
}

void scale_settle(struct crew *crew)
{
	char took[DURATION_TEXT_BYTES];

	shrink(crew);
	grow(crew);
	if (crew->scale_ms == 0 || !is_done(crew))
		return;
	duration_format(crew->now_ms - crew->scale_ms, took);
	log_info("scaling: %u worker%s after %s", crew->n_slots, crew->n_slots == 1 ? "" : "s", took);
	event_pool(crew, "scale", "done", "");
	crew->scale_ms = 0;
}
