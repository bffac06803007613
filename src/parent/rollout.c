/* SPDX-License-Identifier: MIT */
/*
 * rollout - who follows whom: greet the new, replace the dead, replace those who ask for it
 *
 * One replacement by wish is under way at a time, so that a pool whose workers all wish at once still has
 * every one of them accepting. The restart policy says when the dead are replaced; here it is carried out
 * and told in one line.
 */
#include "parent/rollout.h"

#include "base/log.h"
#include "parent/child.h"
#include "parent/crew.h"
#include "parent/event.h"
#include "parent/hang.h"
#include "parent/notify.h"
#include "parent/obituary.h"
#include "parent/pidfile.h"
#include "parent/reload.h"
#include "parent/scale.h"
#include "parent/steer.h"
#include "parent/stop.h"
#include "parent/stranger.h"
#include "parent/takeover.h"
#include "parent/weigh.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>

void rollout_announce(struct crew *crew)
{
	const struct config *config = crew->config;

	for (unsigned i = 0; i < config->n_listeners; i++) {
		char text[LISTENER_TEXT_BYTES];

		config_format_listener(config, i, text);
		if (config_is_admin(config, i)) {
			log_info("admin: http://%s", text);
			continue;
		}
		log_info("ready: %u worker%s on %s%s (%s, %s)", crew->n_slots, crew->n_slots == 1 ? "" : "s",
			 config->guest || config->protocol[i] != PROTOCOL_HTTP ? "" : "http://", text,
			 config_model_name(config), crew_engine_name(crew));
	}
	for (unsigned i = 0; i < config->n_listeners; i++)
		if (config->options.model != BROOD_PREEMPTIVE && config_is_shared(config, i)) {
			char text[LISTENER_TEXT_BYTES];

			config_format_listener(config, i, text);
			log_info("%s: one socket that all workers share, as under the model preemptive", text);
		}
	if (config->n_listeners == 0)
		log_info("ready: %u worker%s (%s)", crew->n_slots, crew->n_slots == 1 ? "" : "s",
			 crew_engine_name(crew));
	else if (config->options.model == BROOD_REUSEPORT && crew->why_not_least[0])
		log_info("balance: %s (least: %s)", weigh_name(crew), crew->why_not_least);
	else if (config->options.model == BROOD_REUSEPORT)
		log_info("balance: %s", weigh_name(crew));
	log_settle();
	pidfile_publish(crew);
	hang_watch(crew);
	takeover_scale(crew);
	notify_ready(crew);
}

static void greet_pool(struct crew *crew)
{
	any_slot_each(crew, slot)
		if (!slot->was_ready && !(slot_is_task(slot->index) && slot->state == SLOT_GIVEN_UP))
			return;
	crew->was_ready = true;
	steer_settle(crew);	/* whoever hears of it finds every flow where it will stay */
	if (takeover_under_way(crew))
		takeover_ready(crew);
	else
		rollout_announce(crew);
}

void rollout_greet(struct crew *crew, struct slot *slot)
{
	const struct child *child = slot->incumbent;
	struct log_subject subject = child_subject(child, NULL);
	char took[DURATION_TEXT_BYTES];

	duration_format(crew->now_ms - child->born_ms, took);
	if (slot->was_ready)
		log_about(LOG_INFO, &subject, "%s %u (pid %d): ready after %s", slot_kind(slot->index),
			  slot_number(slot->index), (int)child->pid, took);
	else
		log_about(LOG_DEBUG, &subject, "%s %u (pid %d): ready after %s", slot_kind(slot->index),
			  slot_number(slot->index), (int)child->pid, took);
	slot->was_ready = true;
	if (!crew->was_ready && !crew->stopping)
		greet_pool(crew);
	if (!slot_is_task(slot->index))
		stranger_look(crew);
}

/*
 * A worker that asks the moment it is ready would be replaced in an endless loop at the speed of fork();
 * it is given the shortest backoff first.
 */
uint64_t rollout_wish_ms(const struct crew *crew, const struct slot *slot)
{
	const struct child *child = slot->incumbent;
	uint64_t earliest_ms;

	if (slot->state != SLOT_READY || child->phase != CHILD_SERVING)
		return 0;
	if (reload_concerns(crew, child))
		return crew->reload_ms;
	if (child->wish_ms == 0)
		return 0;
	earliest_ms = child->ready_ms + crew->config->options.backoff_min_ms;
	return child->wish_ms > earliest_ms ? child->wish_ms : earliest_ms;
}

/* The rows that are left must do for a pool in which every worker crashes. */
static bool may_replace(struct crew *crew)
{
	unsigned n = 0;

	any_slot_each(crew, slot)
		n += slot->state == SLOT_RETIRING;
	return n < crew->config->options.surge && child_n_free(crew) > crew->n_slots + crew->n_tasks;
}

static struct slot *longest_wish(struct crew *crew)
{
	uint64_t first_ms = crew->now_ms + 1;
	struct slot *first = NULL;

	any_slot_each(crew, slot) {
		uint64_t wish_ms = rollout_wish_ms(crew, slot);

		if (wish_ms != 0 && wish_ms < first_ms) {
			first_ms = wish_ms;
			first = slot;
		}
	}
	return first;
}

void rollout_grant(struct crew *crew)
{
	struct slot *slot;

	while ((slot = longest_wish(crew)) && may_replace(crew)) {
		struct child *child = slot->incumbent;

		if (child->wish_ms == 0)
			snprintf(child->wish, sizeof(child->wish), "reload");
		slot_on(crew, slot, ON_WISH);
	}
}

static uint32_t random_bits(const struct crew *crew)
{
	uint32_t bits;

	if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) == sizeof(bits))
		return bits;
	return (uint32_t)crew->now_ms * 2654435761u;
}

static struct restart_verdict judge(struct crew *crew, struct slot *slot, const struct obituary *o)
{
	const struct death death = {
		.at_ms = crew->now_ms, .was_ready = o->ever_ready, .random = random_bits(crew),
		.served_ms = o->served_ms,
	};
	struct restart_policy policy = crew->policy;

	if (slot_is_task(slot->index)) {
		policy.slots_only = true;
		return restart_decide(&policy, &slot->history, &crew->task_deaths, &death);
	}
	return restart_decide(&policy, &slot->history, &crew->deaths, &death);
}

static void log_death(const struct obituary *o, const char *what_next)
{
	struct log_subject subject = obituary_subject(o);
	char how[LOG_LINE_BYTES / 2];

	obituary_tell(o, how, sizeof(how));
	log_about(LOG_WARN, &subject, "%s %u (pid %d): %s; %s", slot_kind(o->slot), slot_number(o->slot),
		  (int)o->pid, how, what_next);
}

static void log_giveup(const struct crew *crew, const struct obituary *o, const struct restart_verdict *v,
		       const char *what_next)
{
	struct log_subject subject = obituary_subject(o);
	char last[LOG_LINE_BYTES / 2];
	const char *place = slot_is_task(o->slot) ? "task" : "slot";
	char span[DURATION_TEXT_BYTES];

	obituary_tell_briefly(o, last, sizeof(last));
	duration_format(v->span_ms, span);
	if (v->what == RESTART_NEVER_READY)
		log_about(LOG_ERROR, &subject,
			  "giveup: %s %u: %u deaths in a row before it was ready, the last %s; %s", place,
			  slot_number(o->slot), v->n_deaths, last, what_next);
	else if (v->what == RESTART_NEVER_SLOT)
		log_about(LOG_ERROR, &subject, "giveup: %s %u: %u deaths in %s, the last %s; %s", place,
			  slot_number(o->slot), v->n_deaths, span, last, what_next);
	else
		log_about(LOG_ERROR, &subject, "giveup: %u deaths of %u workers in %s, the last of slot %u %s; %s",
			  v->n_deaths, crew->n_slots, span, o->slot, last, what_next);
}

static unsigned n_given_up(struct crew *crew)
{
	unsigned n = 0;

	slot_each(crew, slot)
		n += slot->state == SLOT_GIVEN_UP;
	return n;
}

/* @event: what this means to the slot, when the pool goes on. */
static void give_up(struct crew *crew, struct slot *slot, const struct obituary *o,
		    const struct restart_verdict *v, enum slot_event event)
{
	const struct brood_options *options = &crew->config->options;

	event_giveup(crew, slot, o);
	slot_on(crew, slot, event);
	if (slot_is_task(slot->index)) {
		crew->n_task_giveups++;
		log_giveup(crew, o, v, event == ON_STAY ? "the old one stays" : "the workers go on");
		if (!crew->was_ready && !crew->stopping)
			greet_pool(crew);
		return;
	}
	crew->n_giveups++;
	if (options->on_giveup == BROOD_GIVEUP_EXIT || n_given_up(crew) == crew->n_slots) {
		log_giveup(crew, o, v, "draining the others");
		stop_begin(crew, BROOD_EXIT_GAVE_UP, options->drain_timeout_ms);
	} else if (event == ON_STAY) {
		log_giveup(crew, o, v, "the old worker stays");
	} else {
		log_giveup(crew, o, v, "the others go on");
	}
}

static void restart(struct crew *crew, struct slot *slot, const struct obituary *o,
		    const struct restart_verdict *v, enum slot_event event)
{
	char next[64] = "restarting now";
	char delay[DURATION_TEXT_BYTES];

	duration_format(v->delay_ms, delay);
	if (slot->successor)
		snprintf(next, sizeof(next), "its replacement (pid %d) is starting",
			 (int)slot->successor->pid);
	else if (v->delay_ms > 0)
		snprintf(next, sizeof(next), "restarting in %s", delay);
	log_death(o, next);
	slot->n_restarts++;
	*(slot_is_task(slot->index) ? &crew->n_task_restarts : &crew->n_restarts) += 1;
	slot->delay_ms = v->delay_ms;
	slot_on(crew, slot, event);
}

/* Who went because what it ran would not end is no loss, unless it is all it does. */
static bool is_no_death(const struct crew *crew, const struct obituary *o)
{
	return o->overrun && o->served_ms >= crew->config->options.backoff_min_ms;
}

static void replace_overrun(struct crew *crew, struct slot *slot, const struct obituary *o)
{
	struct log_subject subject = obituary_subject(o);

	log_about(LOG_INFO, &subject, "task %u (pid %d): ended (%s); replaced", slot_number(o->slot), (int)o->pid,
		  o->why);
	slot->turn_ms = 0;
	slot_on(crew, slot, slot->successor ? ON_HEIR : ON_AGAIN);
}

static bool is_last(const struct restart_verdict *v)
{
	switch (v->what) {
	case RESTART_NOW:
	case RESTART_LATER:
		return false;
	case RESTART_NEVER_SLOT:
	case RESTART_NEVER_READY:
	case RESTART_NEVER_POOL:
		return true;
	}
	return true;
}

static void lose_successor(struct crew *crew, struct slot *slot, const struct obituary *o)
{
	struct restart_verdict v;

	if (slot->incumbent && reload_concerns(crew, slot->incumbent)) {
		log_death(o, "the old worker stays");
		reload_stop(crew, o);
		slot_on(crew, slot, ON_STAY);
		return;
	}
	v = judge(crew, slot, o);
	if (is_last(&v)) {
		log_death(o, "giving up");
		give_up(crew, slot, o, &v, ON_STAY);
	} else {
		restart(crew, slot, o, &v, ON_UNBORN);
	}
}

static bool is_leaving(const struct slot *slot)
{
	return slot->state == SLOT_LEAVING;
}

/* A worker more that never gets ready is no reason to end those there are. */
static bool was_too_much(const struct crew *crew, const struct slot *slot)
{
	return crew->was_ready && !slot->was_ready && !slot_is_task(slot->index);
}

static void lose_incumbent(struct crew *crew, struct slot *slot, const struct obituary *o)
{
	struct restart_verdict v;

	if (is_leaving(slot)) {
		log_death(o, "not replaced (scaling down)");
		slot_on(crew, slot, ON_GONE);
		return;
	}
	if (is_no_death(crew, o)) {
		replace_overrun(crew, slot, o);
		return;
	}
	v = judge(crew, slot, o);
	slot->turn_ms = 0;
	if (slot->successor) {
		restart(crew, slot, o, &v, ON_HEIR);
	} else if (is_last(&v) && was_too_much(crew, slot)) {
		log_death(o, "not trying again");
		slot_on(crew, slot, ON_LAST);
		scale_back(crew, slot);
	} else if (is_last(&v)) {
		log_death(o, "giving up");
		give_up(crew, slot, o, &v, ON_LAST);
	} else {
		restart(crew, slot, o, &v, v.what == RESTART_NOW ? ON_AGAIN : ON_LATER);
	}
}

void rollout_lose(struct crew *crew, enum role role, const struct obituary *o)
{
	struct slot *slot = &crew->slots[o->slot];

	slot->died_ms = crew->now_ms;
	obituary_tell(o, slot->death, sizeof(slot->death));
	if (slot_is_task(slot->index) ? crew->tasks_leave : crew->stopping != NOT_STOPPING) {
		if (role == ROLE_INCUMBENT)
			slot_on(crew, slot, ON_GONE);
		return;
	}
	switch (role) {
	case ROLE_INCUMBENT:
		lose_incumbent(crew, slot, o);
		break;
	case ROLE_SUCCESSOR:
		lose_successor(crew, slot, o);
		break;
	case ROLE_LEAVING:
		break;
	}
}
