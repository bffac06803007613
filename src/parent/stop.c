/* SPDX-License-Identifier: MIT */
/*
 * stop - end the pool without hanging up on anyone
 *
 * The intake is closed first, and queues without a reader are given to others. Then each slot closes its
 * duplicates and tells its workers to empty their queues and to drain. Connections that a worker takes with
 * it, whether it says so, dies, or has to be killed at the deadline, are counted and decide the exit code.
 */
#include "parent/stop.h"

#include "base/log.h"
#include "base/must.h"
#include "parent/child.h"
#include "parent/claim.h"
#include "parent/crew.h"
#include "parent/event.h"
#include "parent/inplace.h"
#include "parent/intake.h"
#include "parent/notify.h"
#include "parent/obituary.h"
#include "parent/takeover.h"
#include "parent/tasks.h"
#include "parent/upgrade.h"

#include <inttypes.h>

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static unsigned n_workers(const struct crew *crew)
{
	unsigned n = 0;

	child_each(crew, child)
		n += !slot_is_task(child->slot);
	return n;
}

/* Those that already leave, or die, get no more time than the rest. */
static void limit_others(struct crew *crew, uint32_t timeout_ms)
{
	child_each(crew, child)
		if (timeout_ms == 0 || child->phase == CHILD_DYING)
			child_drain(crew, child, timeout_ms, true);
}

void stop_begin(struct crew *crew, int exit_code, uint32_t timeout_ms)
{
	if (crew->stopping)
		return;
	upgrade_cancel(crew);
	crew->stop_at_ms = 0;
	crew->stopping = timeout_ms > 0 ? STOPPING : STOPPING_NOW;
	crew->exit_code = exit_code;
	event_pool(crew, "stop", "begun", "");
	crew->stop_began_ms = crew->now_ms;
	crew->stop_deadline_ms = crew->now_ms + timeout_ms;
	notify_stopping(crew, timeout_ms);
	intake_stop(crew);
	/* the next pool may come when nobody listens any more */
	claims_release(crew->claim_fd, crew->config->n_listeners);
	slot_each(crew, slot)
		slot_on(crew, slot, ON_STOP);
	if (timeout_ms == 0)
		tasks_hurry(crew);
	limit_others(crew, timeout_ms);
}

void stop_hurry(struct crew *crew)
{
	must(crew->stopping);
	inplace_stop(crew);
	crew->stopping = STOPPING_NOW;
	tasks_hurry(crew);
	limit_others(crew, 0);
}

static void drain(struct crew *crew, const char *who)
{
	uint32_t timeout_ms = crew->config->options.drain_timeout_ms;
	char at_most[DURATION_TEXT_BYTES];

	duration_format(timeout_ms, at_most);
	log_info("%s: draining %u worker%s, at most %s", who, n_workers(crew), plural(n_workers(crew)), at_most);
	stop_begin(crew, BROOD_EXIT_DRAINED, timeout_ms);
}

/* From now on whoever asks is told that we are not ready, and has the time to send nobody any more. */
static void pre_drain(struct crew *crew, const char *who)
{
	char time[DURATION_TEXT_BYTES];

	duration_format(crew->config->options.pre_drain_ms, time);
	log_info("%s: not ready from now on, draining in %s", who, time);
	upgrade_cancel(crew);
	crew->stop_at_ms = crew->now_ms + crew->config->options.pre_drain_ms;
}

void stop_ask(struct crew *crew, const char *who)
{
	bool waits = crew->config->options.pre_drain_ms > 0 && crew->was_ready &&
		     !takeover_under_way(crew) && !inplace_beside(crew);

	if (!crew->stopping && !crew->stop_at_ms && waits) {
		pre_drain(crew, who);
		return;
	}
	inplace_stop(crew);
	if (crew->stopping)
		log_info("%s: draining already", who);
	else
		drain(crew, who);
}

uint64_t stop_next_ms(const struct crew *crew)
{
	return crew->stop_at_ms;
}

void stop_expire(struct crew *crew)
{
	inplace_stop(crew);
	drain(crew, "pre-drain over");
}

void stop_ask_now(struct crew *crew, const char *who)
{
	log_info("%s: ending at once", who);
	if (crew->stopping)
		stop_hurry(crew);
	else
		stop_begin(crew, BROOD_EXIT_DRAINED, 0);
}

void stop_count(struct crew *crew, const struct child *child)
{
	crew->n_cut += child_n_cut(crew, child);
}

bool stop_done(const struct crew *crew)
{
	return crew->stopping && crew->n_children == 0 && !inplace_holds(crew);
}

static int tell_gave_up(const struct crew *crew)
{
	if (crew->n_cut > 0)
		log_error("gave up: %" PRIu64 " connection%s of the other workers cut", crew->n_cut,
			  plural(crew->n_cut));
	else
		log_error("gave up: the connections of the other workers finished");
	return BROOD_EXIT_GAVE_UP;
}

static int tell_drained(const struct crew *crew)
{
	char took[DURATION_TEXT_BYTES];

	duration_format(crew->now_ms - crew->stop_began_ms, took);
	if (crew->n_cut == 0 && !crew->drain_late) {
		log_info("drained: all connections finished");
		return BROOD_EXIT_DRAINED;
	}
	if (crew->stopping == STOPPING_NOW)
		log_warn("ended at once%s: %" PRIu64 " connection%s cut", crew->drain_late ? ", not all drained" : "",
			 crew->n_cut, plural(crew->n_cut));
	else if (crew->now_ms < crew->stop_deadline_ms)
		log_warn("ended after %s, not all drained: %" PRIu64 " connection%s cut", took, crew->n_cut,
			 plural(crew->n_cut));
	else
		log_warn("drain timed out after %s: %" PRIu64 " connection%s cut", took, crew->n_cut,
			 plural(crew->n_cut));
	return BROOD_EXIT_CUT;
}

int stop_verdict(const struct crew *crew)
{
	if (crew->exit_code == BROOD_EXIT_GAVE_UP)
		return tell_gave_up(crew);
	if (crew->exit_code == BROOD_EXIT_NOT_STARTED)
		return BROOD_EXIT_NOT_STARTED;
	return tell_drained(crew);
}
