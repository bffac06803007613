/* SPDX-License-Identifier: MIT */
#include "parent/slot.h"

#include "base/log.h"
#include "base/must.h"
#include "parent/child.h"
#include "parent/crew.h"
#include "parent/custody.h"
#include "parent/depart.h"
#include "parent/event.h"
#include "parent/intake.h"
#include "parent/rollout.h"
#include "parent/stop.h"
#include "parent/store.h"

#include <string.h>

/* A fork that failed, or a full board, is tried again after this long. */
#define UNBORN_RETRY_MS 1000

static void do_nothing(struct crew *crew, struct slot *slot)
{
}

static void wait_for_turn(struct crew *crew, struct slot *slot)
{
	slot->turn_ms = crew->now_ms + slot->delay_ms;
}

static void fork_failed(struct crew *crew, struct slot *slot, int error)
{
	if (crew->was_ready) {
		log_error("%s %u: cannot fork: %s; trying again in 1.0 s", slot_kind(slot->index),
			  slot_number(slot->index), strerror(-error));
	} else if (!crew->stopping) {
		log_error("cannot start: fork of %s %u: %s", slot_kind(slot->index), slot_number(slot->index),
			  strerror(-error));
		stop_begin(crew, BROOD_EXIT_NOT_STARTED, 0);
		return;
	}
	slot->delay_ms = UNBORN_RETRY_MS;
	slot_on(crew, slot, ON_UNBORN);
}

static void fork_incumbent(struct crew *crew, struct slot *slot)
{
	int r = child_create(crew, slot, &slot->incumbent);

	slot->turn_ms = 0;
	if (r < 0)
		fork_failed(crew, slot, r);
	else
		event_fork(crew, slot->incumbent, slot->died_ms ? "restart" : "start");
}

static void fork_successor(struct crew *crew, struct slot *slot)
{
	struct log_subject subject;
	int r = child_create(crew, slot, &slot->successor);

	slot->turn_ms = 0;
	if (r < 0) {
		fork_failed(crew, slot, r);
		return;
	}
	subject = child_subject(slot->incumbent, slot->incumbent->wish);
	log_about(LOG_INFO, &subject, "%s %u (pid %d): retiring (%s); replacement pid %d", slot_kind(slot->index),
		  slot_number(slot->index), (int)slot->incumbent->pid, slot->incumbent->wish,
		  (int)slot->successor->pid);
	event_fork(crew, slot->successor, slot->incumbent->wish);
}

static void begin_serving(struct crew *crew, struct slot *slot)
{
	slot->history.n_unready = 0;
	slot->orphaned_ms = 0;
	rollout_greet(crew, slot);
}

static void forget_wish(struct crew *crew, struct slot *slot)
{
	slot->incumbent->wish_ms = 0;
	slot->turn_ms = 0;
}

static void hand_over(struct crew *crew, struct slot *slot)
{
	struct child *old = slot->incumbent;

	slot->incumbent = slot->successor;
	slot->successor = NULL;
	child_drain(crew, old, crew->config->options.drain_timeout_ms, false);
	begin_serving(crew, slot);
}

static void adopt_successor(struct crew *crew, struct slot *slot)
{
	slot->incumbent = slot->successor;
	slot->successor = NULL;
}

/* Whatever was to come after the incumbent will not. */
static void forget_future(struct crew *crew, struct slot *slot)
{
	slot->turn_ms = 0;
	if (slot->successor)
		child_drain(crew, slot->successor, crew->config->options.drain_timeout_ms, false);
	slot->successor = NULL;
}

static void begin_leaving(struct crew *crew, struct slot *slot)
{
	forget_future(crew, slot);
	log_info("worker %u (pid %d): leaving (scaling down)", slot->index, (int)slot->incumbent->pid);
	depart_begin(crew);
}

/* The incumbent, if there is one, takes no connections. */
static void leave_without(struct crew *crew, struct slot *slot)
{
	forget_future(crew, slot);
	if (slot->incumbent)
		child_drain(crew, slot->incumbent, crew->config->options.drain_timeout_ms, false);
	slot->incumbent = NULL;
	depart_begin(crew);
}

static void clear(struct crew *crew, struct slot *slot)
{
	slot->history.deaths.n = 0;
	slot->history.n_unready = 0;
	slot->orphaned_ms = 0;
	slot->was_ready = false;
	store_clear(slot);
}

static void dismiss(struct crew *crew, struct slot *slot)
{
	child_drain(crew, slot->incumbent, crew->config->options.drain_timeout_ms, false);
	slot->incumbent = NULL;
	clear(crew, slot);
}

/*
 * The parent's duplicates go first: while it held them, the listeners would outlive their last reader and
 * keep clients waiting in a queue that nobody empties.
 */
static void drain_all(struct crew *crew, struct slot *slot)
{
	uint32_t timeout_ms = 0;

	if (crew->stop_deadline_ms > crew->now_ms)	/* task processes are told later, perhaps after it */
		timeout_ms = (uint32_t)(crew->stop_deadline_ms - crew->now_ms);
	slot->turn_ms = 0;
	custody_close(slot);
	store_clear(slot);
	if (slot->successor) {
		child_drain(crew, slot->successor, timeout_ms, true);
		slot->successor = NULL;
	}
	if (slot->incumbent)
		child_drain(crew, slot->incumbent, timeout_ms, true);
}

#define RULE(state, event, what, to) [SLOT_##state][ON_##event] = { what, SLOT_##to },
static const struct slot_rule rules[SLOT_N_STATES][SLOT_N_EVENTS] = {
	SLOT_RULES(RULE)
};
#undef RULE

bool slot_is_served(enum slot_state state)
{
	return state == SLOT_READY || state == SLOT_RETIRING || state == SLOT_LEAVING;
}

struct slot_rule slot_rule(enum slot_state state, enum slot_event event)
{
	must((unsigned)state < SLOT_N_STATES && (unsigned)event < SLOT_N_EVENTS);
	return rules[state][event];
}

const char *slot_state_name(enum slot_state state)
{
	static const char *const names[] = {
#define NAME(name, listener) [SLOT_##name] = #name,
		SLOT_STATES(NAME)
#undef NAME
	};

	must((unsigned)state < SLOT_N_STATES);
	return names[state];
}

void slot_on(struct crew *crew, struct slot *slot, enum slot_event event)
{
	struct slot_rule rule = slot_rule(slot->state, event);
	enum slot_state was = slot->state;

	must(rule.action);
	slot->state = rule.next;
	if (!slot_is_task(slot->index))
		intake_on_slot(crew, slot, was);
	rule.action(crew, slot);
}
