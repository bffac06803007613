/* SPDX-License-Identifier: MIT */
/*
 * message - what a worker says, and whether it may say that now
 *
 * The channel has checked type, size and descriptors; MESSAGE_RULES knows which types fit the phase the
 * child is in, each on_ function checks the rest. Whoever breaks a rule is killed, with a line that says
 * what it sent. A turn handles few messages of one child, a life not many, so that one that floods its
 * channel delays nobody and soon ends.
 */
#include "parent/message.h"

#include "base/log.h"
#include "base/must.h"
#include "bridge/channel.h"
#include "bridge/rights.h"
#include "parent/child.h"
#include "parent/crew.h"
#include "parent/custody.h"
#include "parent/event.h"
#include "parent/intake.h"
#include "parent/reap.h"
#include "parent/stop.h"
#include "parent/store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MESSAGES_A_TURN 16
#define MESSAGES_A_LIFE 1000
/* From a closed channel or a FAILED to the end of the process. */
#define EXIT_MS 1000

/* Return: NULL, or what is wrong with the message: the child is killed for it. May take the descriptor. */
typedef const char *message_fn(struct crew *crew, struct child *child, struct message *m);

static struct slot *slot_of(struct crew *crew, const struct child *child)
{
	return &crew->slots[child->slot];
}

static const char *refuse(struct crew *crew, struct child *child, struct message *m)
{
	static const char *const complaints[] = {
#define COMPLAINT(name, sender, bytes, n_fds, meaning) "sent " #name " out of turn",
		CHANNEL_MESSAGES(COMPLAINT)
#undef COMPLAINT
	};

	return complaints[m->type];
}

static const char *ignore(struct crew *crew, struct child *child, struct message *m)
{
	return NULL;
}

static void fail_start(struct crew *crew, struct child *child, const char *reason)
{
	snprintf(child->failure, sizeof(child->failure), "%s", reason);
	child_expect_death(crew, child, EXIT_MS, "did not exit after FAILED");
	if (!crew->was_ready && !crew->stopping) {
		log_error("cannot start: %s", child->failure);
		stop_begin(crew, BROOD_EXIT_NOT_STARTED, 0);
	}
}

static void fail_to_listen(struct crew *crew, struct child *child, int error)
{
	char reason[128];

	snprintf(reason, sizeof(reason), "listen: %s", strerror(-error));
	fail_start(crew, child, reason);
	child_kill(crew, child, "cannot have its listeners");
}

static const char *on_listener(struct crew *crew, struct child *child, struct message *m)
{
	int r;

	if (slot_is_task(child->slot))
		return refuse(crew, child, m);
	r = custody_take(crew, slot_of(crew, child), m->listener.index, m->fd);
	if (r == -EEXIST)
		return "sent a LISTENER that is in custody already";
	if (r == -EPROTO)
		return "sent a LISTENER that cannot listen on its address";
	if (r < 0)
		fail_to_listen(crew, child, r);
	else
		m->fd = -1;		/* custody owns it */
	/* it can be started */
	if (r == 0 && crew->config->guest && custody_complete(crew, slot_of(crew, child)))
		(void)channel_send(child->channel_fd, CHANNEL_ACCEPT, NULL, -1);
	return NULL;
}

static void settle_engine(struct crew *crew, const struct ready_msg *ready)
{
	crew->engine = ready->engine;
	crew->engine_settled = true;
	snprintf(crew->engine_why, sizeof(crew->engine_why), "%s", ready->why);
	if (ready->why[0])
		log_warn("engine: %s (%s)", crew_engine_name(crew), ready->why);
	else
		log_info("engine: %s", crew_engine_name(crew));
}

static void greet(struct crew *crew, struct child *child)
{
	struct slot *slot = slot_of(crew, child);

	child->phase = CHILD_SERVING;
	child->ever_ready = true;
	child->ready_ms = crew->now_ms;
	child->deadline_ms = 0;
	event_online(crew, child);
	if (!slot_is_task(child->slot))
		event_listening(crew, child);
	slot_on(crew, slot, child == slot->successor ? ON_SUCCEED : ON_READY);
}

static const char *on_ready(struct crew *crew, struct child *child, struct message *m)
{
	struct slot *slot = slot_of(crew, child);
	int r;

	if (m->ready.engine != BROOD_ENGINE_URING && m->ready.engine != BROOD_ENGINE_EPOLL)
		return "sent READY with an engine that does not exist";
	if (slot_is_task(child->slot)) {
		greet(crew, child);
		return NULL;
	}
	r = intake_admit(crew, slot);
	if (r == -EPROTO)
		return "sent READY before its LISTENERs";
	if (r < 0) {
		fail_to_listen(crew, child, r);
		return NULL;
	}
	r = channel_send(child->channel_fd, CHANNEL_ACCEPT, NULL, -1);
	if (r < 0 && r != -EPIPE) {	/* it would never accept; one that is gone is noticed */
		child_kill(crew, child, "could not be told to accept");
		return NULL;
	}
	if (crew->config->guest)
		crew->engine_settled = true;	/* what it waits with is its own affair */
	else if (!crew->engine_settled)
		settle_engine(crew, &m->ready);
	else if (m->ready.engine != crew->engine)
		log_warn("worker %u (pid %d): not on %s as the others (%s)", child->slot, (int)child->pid,
			 crew_engine_name(crew), m->ready.why[0] ? m->ready.why : "no reason given");
	greet(crew, child);
	return NULL;
}

/* It was told to drain while it still started; its listeners are nobody's then. */
static const char *on_late_start(struct crew *crew, struct child *child, struct message *m)
{
	if (child->ever_ready)
		return refuse(crew, child, m);
	child->ever_ready = m->type == CHANNEL_READY;
	return NULL;
}

static const char *on_failed(struct crew *crew, struct child *child, struct message *m)
{
	fail_start(crew, child, m->failed.reason[0] ? m->failed.reason : "no reason given");
	return NULL;
}

static const char *on_suicide(struct crew *crew, struct child *child, struct message *m)
{
	(void)channel_send(child->channel_fd, CHANNEL_ACK, NULL, -1);	/* it may ask again */
	if (child->wish_ms == 0) {
		child_wish(crew, child, m->suicide.reason);
		event_suicide(crew, child);
	}
	return NULL;
}

static const char *on_crash(struct crew *crew, struct child *child, struct message *m)
{
	on_dying(crew, child, &m->crash);
	return NULL;
}

static const char *on_fault(struct crew *crew, struct child *child, struct message *m)
{
	on_contained(crew, child, &m->crash);
	return NULL;
}

static const char *on_store(struct crew *crew, struct child *child, struct message *m)
{
	if (!crew->config->guest || !stored_is_name(m->store.name, strlen(m->store.name)))
		return refuse(crew, child, m);
	if (store_add(slot_of(crew, child), m->store.name, m->fd))
		m->fd = -1;		/* the store owns it */
	return NULL;
}

static const char *on_forget(struct crew *crew, struct child *child, struct message *m)
{
	if (!crew->config->guest)
		return refuse(crew, child, m);
	store_forget(slot_of(crew, child), m->store.name);
	return NULL;
}

/* It is asked for, and may be often in a long life. */
static const char *on_reopened(struct crew *crew, struct child *child, struct message *m)
{
	if (child->reopening == child->reopened)
		return refuse(crew, child, m);
	child->reopened = child->reopening;
	child->n_messages--;
	return NULL;
}

/* What it ran has nobody who waits for it; where that is all it does, it is a death as any (rollout.c). */
static const char *on_overrun(struct crew *crew, struct child *child, struct message *m)
{
	if (!slot_is_task(child->slot))
		return refuse(crew, child, m);
	child->overrun = true;
	snprintf(child->wish, sizeof(child->wish), "%s", m->overrun.reason);
	child_expect_death(crew, child, EXIT_MS, "did not exit after OVERRUN");
	return NULL;
}

static const char *on_drained(struct crew *crew, struct child *child, struct message *m)
{
	if (child->drained)
		return refuse(crew, child, m);
	if (child->phase != CHILD_LEAVING)
		child_limit(crew, child, crew->config->options.drain_timeout_ms,
			    "did not exit after DRAINED");
	child->drained = true;
	child->n_cut = m->drained.cut;
	return NULL;
}

/* It may wish to go before it is ready, and drain unasked. It is not heard after CRASH and FAILED. */
#define MESSAGE_RULES(X)							\
	/* message    while starting  while serving  while leaving */		\
	X(LISTENER,   on_listener,    refuse,        on_late_start)		\
	X(READY,      on_ready,       refuse,        on_late_start)		\
	X(FAILED,     on_failed,      refuse,        on_failed)			\
	X(SUICIDE,    on_suicide,     on_suicide,    ignore)			\
	X(CRASH,      on_crash,       on_crash,      on_crash)			\
	X(FAULT,      refuse,         on_fault,      on_fault)			\
	X(STORE,      on_store,       on_store,      on_store)			\
	X(FORGET,     on_forget,      on_forget,     on_forget)			\
	X(REOPENED,   refuse,         on_reopened,   on_reopened)		\
	X(OVERRUN,    refuse,         on_overrun,     on_overrun)		\
	X(DRAINED,    on_drained,     on_drained,    on_drained)

static message_fn *const rules[CHANNEL_N_TYPES][CHILD_DYING] = {
#define RULE(name, starting, serving, leaving) [CHANNEL_##name] = {		\
		[CHILD_STARTING] = starting, [CHILD_SERVING] = serving, [CHILD_LEAVING] = leaving },
	MESSAGE_RULES(RULE)
#undef RULE
};

static const char *handle(struct crew *crew, struct child *child, struct message *m)
{
	if (++child->n_messages > MESSAGES_A_LIFE)
		return "flooded its channel";
	if (child->phase == CHILD_DYING)
		return NULL;
	must(rules[m->type][child->phase]);	/* the channel lets only FROM_WORKER types through */
	return rules[m->type][child->phase](crew, child, m);
}

static void on_hang_up(struct crew *crew, struct child *child)
{
	child_hang_up(crew, child);
	if (child->phase == CHILD_STARTING || child->phase == CHILD_SERVING)
		child_expect_death(crew, child, EXIT_MS, "closed its channel");
}

static const char *describe_error(int error)
{
	const char *text = strerrordesc_np(-error);

	if (error == -EPROTO)
		return "sent what is no message";
	return text ? text : "its channel broke";
}

/* Return: whether there may be more. */
static bool receive_one(struct crew *crew, struct child *child)
{
	const char *complaint;
	struct message m;
	int r;

	if (child->channel_fd < 0)
		return false;
	r = channel_receive(child->channel_fd, FROM_WORKER, &m);
	if (r == -EPIPE)
		on_hang_up(crew, child);
	else if (r < 0)
		child_kill(crew, child, describe_error(r));
	if (r <= 0)
		return false;
	complaint = handle(crew, child, &m);
	if (m.fd >= 0)
		rights_discard(m.fd);
	if (complaint)
		child_kill(crew, child, complaint);
	return true;
}

void on_channel(struct crew *crew, struct child *child)
{
	for (unsigned i = 0; i < MESSAGES_A_TURN; i++)
		if (!receive_one(crew, child))
			break;
}

/* Ends, because a dead process adds nothing and a flood is cut off by MESSAGES_A_LIFE. */
void hear_last_words(struct crew *crew, struct child *child)
{
	while (receive_one(crew, child))
		;
}
