/* SPDX-License-Identifier: MIT */
/*
 * slot - the life of one worker place: a table of states
 *
 * A slot has at most one incumbent, the process that serves or is to serve, and while it is being replaced
 * one successor. Whatever happens to either becomes an event; SLOT_RULES says what is done and which state
 * follows. An event without a rule cannot happen in that state: raising it is a bug of the parent.
 */
#pragma once

#include <stdbool.h>

struct crew;
struct slot;

/* state, what becomes of new connections to the slot's listener */
#define SLOT_STATES(X)									\
	X(EMPTY,    "no listener")							\
	X(STARTING, "wait in its queue; lent to a sibling when it takes long")		\
	X(READY,    "its incumbent accepts")						\
	X(RETIRING, "its incumbent accepts")						\
	X(LEAVING,  "steered around; its incumbent empties the queue")			\
	X(CLOSING,  "steered around; lent to a sibling, who empties the queue")		\
	X(DRAINING, "its incumbent empties the queue and closes it")			\
	X(DYING,    "wait in its queue; lent to a sibling when it takes long")		\
	X(BACKOFF,  "steered around and lent to a sibling when the wait is long")	\
	X(GIVEN_UP, "steered around; lent to a sibling")

/* event, what has happened */
#define SLOT_EVENTS(X)									\
	X(TURN,     "the pool starts, or a wait is over")				\
	X(READY,    "the incumbent accepts")						\
	X(WISH,     "the incumbent asked to be replaced, and it is its turn")		\
	X(SUCCEED,  "the successor accepts")						\
	X(UNBORN,   "no process could be made, or the successor died before it was ready")	\
	X(STAY,     "the successors died too often: the incumbent stays")		\
	X(KILL,     "the incumbent was killed by us and is not dead yet")		\
	X(HEIR,     "the incumbent died, and has a successor")				\
	X(AGAIN,    "the incumbent died; its restart is due now")			\
	X(LATER,    "the incumbent died; its restart must wait")			\
	X(LAST,     "the incumbent died; once too often")				\
	X(LEAVE,    "the pool is to have fewer workers, without this one")		\
	X(CLOSED,   "its queue is empty, and closed")					\
	X(STOP,     "the pool stops")							\
	X(GONE,     "the incumbent died, and is not to be replaced")

#define SLOT_RULES(X)									\
	/* state     event     what is done            next state */			\
	X(EMPTY,     TURN,     fork_incumbent,         STARTING)			\
	X(EMPTY,     STOP,     do_nothing,             EMPTY)				\
											\
	X(STARTING,  READY,    begin_serving,          READY)				\
	X(STARTING,  UNBORN,   wait_for_turn,          BACKOFF)				\
	X(STARTING,  KILL,     do_nothing,             DYING)				\
	X(STARTING,  AGAIN,    fork_incumbent,         STARTING)			\
	X(STARTING,  LATER,    wait_for_turn,          BACKOFF)				\
	X(STARTING,  LAST,     do_nothing,             GIVEN_UP)			\
	X(STARTING,  LEAVE,    leave_without,          CLOSING)				\
	X(STARTING,  STOP,     drain_all,              DRAINING)			\
											\
	X(READY,     WISH,     fork_successor,         RETIRING)			\
	X(READY,     KILL,     do_nothing,             DYING)				\
	X(READY,     AGAIN,    fork_incumbent,         STARTING)			\
	X(READY,     LATER,    wait_for_turn,          BACKOFF)				\
	X(READY,     LAST,     do_nothing,             GIVEN_UP)			\
	X(READY,     LEAVE,    begin_leaving,          LEAVING)				\
	X(READY,     STOP,     drain_all,              DRAINING)			\
											\
	X(RETIRING,  SUCCEED,  hand_over,              READY)				\
	X(RETIRING,  UNBORN,   wait_for_turn,          RETIRING)			\
	X(RETIRING,  TURN,     fork_successor,         RETIRING)			\
	X(RETIRING,  STAY,     forget_wish,            READY)				\
	X(RETIRING,  KILL,     do_nothing,             RETIRING)			\
	X(RETIRING,  HEIR,     adopt_successor,        STARTING)			\
	X(RETIRING,  AGAIN,    fork_incumbent,         STARTING)			\
	X(RETIRING,  LATER,    wait_for_turn,          BACKOFF)				\
	X(RETIRING,  LAST,     do_nothing,             GIVEN_UP)			\
	X(RETIRING,  LEAVE,    begin_leaving,          LEAVING)				\
	X(RETIRING,  STOP,     drain_all,              DRAINING)			\
											\
	X(DYING,     AGAIN,    fork_incumbent,         STARTING)			\
	X(DYING,     LATER,    wait_for_turn,          BACKOFF)				\
	X(DYING,     LAST,     do_nothing,             GIVEN_UP)			\
	X(DYING,     LEAVE,    leave_without,          CLOSING)				\
	X(DYING,     STOP,     drain_all,              DRAINING)			\
											\
	X(BACKOFF,   TURN,     fork_incumbent,         STARTING)			\
	X(BACKOFF,   LEAVE,    leave_without,          CLOSING)				\
	X(BACKOFF,   STOP,     drain_all,              EMPTY)				\
											\
	X(GIVEN_UP,  LEAVE,    leave_without,          CLOSING)				\
	X(GIVEN_UP,  STOP,     drain_all,              EMPTY)				\
											\
	X(LEAVING,   KILL,     do_nothing,             LEAVING)				\
	X(LEAVING,   GONE,     do_nothing,             CLOSING)				\
	X(LEAVING,   CLOSED,   dismiss,                EMPTY)				\
	X(LEAVING,   STOP,     drain_all,              DRAINING)			\
											\
	X(CLOSING,   CLOSED,   clear,                  EMPTY)				\
	X(CLOSING,   STOP,     drain_all,              EMPTY)				\
											\
	X(DRAINING,  KILL,     do_nothing,             DRAINING)			\
	X(DRAINING,  GONE,     do_nothing,             EMPTY)

enum slot_state {
#define STATE(name, listener) SLOT_##name,
	SLOT_STATES(STATE)
#undef STATE
	SLOT_N_STATES
};

enum slot_event {
#define EVENT(name, meaning) ON_##name,
	SLOT_EVENTS(EVENT)
#undef EVENT
	SLOT_N_EVENTS
};

typedef void slot_action_fn(struct crew *crew, struct slot *slot);

/* @action is NULL where the table has no rule. */
struct slot_rule {
	slot_action_fn	*action;
	enum slot_state	 next;
};

/* What a child was to its slot. */
enum role { ROLE_INCUMBENT, ROLE_SUCCESSOR, ROLE_LEAVING };

/* slot.c */
struct slot_rule slot_rule(enum slot_state state, enum slot_event event);
const char *slot_state_name(enum slot_state state);
/* Whether its incumbent takes connections. */
bool slot_is_served(enum slot_state state);

/* Enters the next state, then does what the rule says. */
void slot_on(struct crew *crew, struct slot *slot, enum slot_event event);
