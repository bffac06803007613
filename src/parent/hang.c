/* SPDX-License-Identifier: MIT */
/*
 * hang - workers whose loop does not turn any more
 *
 * A worker says on the board when it waits and when it last had waited. One that does neither for a moment is
 * silent: what arrives for it, and what is in its queue, goes to others, until its loop turns again. After
 * the hang timeout it is aborted, which has it report what it was at, and replaced. A process stopped by a
 * signal is silent as well, wherever it was stopped. One that drains is watched as well: nothing arrives for it any
 * more, but its connections would wait for the end of the drain, and a stop for it.
 *
 * Looking is the only thing an idle parent wakes for, once a second; on that occasion it may find that
 * connections are to move (transfer.c). It judges by when it was to look: who stood still together with the parent,
 * in a container that was paused or a machine that was, has until the next look to turn again.
 */
#include "parent/hang.h"

#include "base/log.h"
#include "parent/child.h"
#include "parent/crew.h"
#include "parent/event.h"
#include "parent/intake.h"
#include "parent/obituary.h"
#include "parent/pidfd.h"
#include "parent/tasks.h"
#include "parent/wake.h"

#include <signal.h>
#include <sys/wait.h>

#define LOOK_MS		1000
#define SILENT_MS	500

static uint32_t timeout_of(const struct crew *crew)
{
	return crew->config->options.hang_timeout_ms;
}

static uint64_t silence_limit(const struct crew *crew)
{
	return timeout_of(crew) / 2 < SILENT_MS ? timeout_of(crew) / 2 : SILENT_MS;
}

/* Who lies on the board is killed too early or too late. */
static uint64_t silent_at(const struct crew *crew, const struct child *child, uint64_t at_ms)
{
	const struct board_row *row = child_row(crew, child);
	uint64_t since_ms = child->stopped_ms;

	if (since_ms == 0) {
		if (atomic_load_explicit(&row->waiting, memory_order_acquire))
			return 0;
		since_ms = board_get(&row->heartbeat_ms);
		if (since_ms < child->ready_ms)
			since_ms = child->ready_ms;
	}
	return at_ms > since_ms ? at_ms - since_ms : 0;
}

uint64_t hang_silent_ms(const struct crew *crew, const struct child *child)
{
	return silent_at(crew, child, crew->now_ms);
}

static void set_silent(struct crew *crew, struct slot *slot, uint64_t ms)
{
	struct child *child = slot->incumbent;
	char time[DURATION_TEXT_BYTES];

	duration_format(ms, time);
	child->silent = !child->silent;
	if (child->silent)
		log_debug("worker %u (pid %d): silent for %s; others take its connections", slot->index,
			  (int)child->pid, time);
	else
		log_debug("worker %u (pid %d): goes on", slot->index, (int)child->pid);
	event_hung(crew, child, child->silent ? ms : 0, false);
	intake_on_silence(crew, slot);
}

static void abort_hung(struct crew *crew, struct child *child, uint64_t ms)
{
	struct log_subject subject = child_subject(child, "hung");
	char time[DURATION_TEXT_BYTES];

	duration_format(ms, time);
	log_about(LOG_ERROR, &subject, "worker %u (pid %d): hung for %s%s; aborting it", child->slot, (int)child->pid,
		  time, child->phase == CHILD_LEAVING ? ", draining" : "");
	event_hung(crew, child, ms, true);
	child_abort(crew, child, "hung");
}

static void look_at(struct crew *crew, struct slot *slot)
{
	struct child *child = slot->incumbent;
	uint64_t ms;

	if (!slot_is_served(slot->state) || !child || child->phase != CHILD_SERVING)
		return;
	ms = silent_at(crew, child, crew->look_ms);
	if ((ms >= silence_limit(crew)) != child->silent)
		set_silent(crew, slot, ms);
	if (ms >= timeout_of(crew) && child->deadline_ms == 0)	/* else it has been told */
		abort_hung(crew, child, ms);
}

static void look_at_leaving(struct crew *crew, struct child *child)
{
	bool was_silent;
	uint64_t ms;

	if (child->phase != CHILD_LEAVING || !child->ever_ready || child->hung || slot_is_task(child->slot))
		return;
	ms = silent_at(crew, child, crew->look_ms);
	was_silent = child->silent;
	child->silent = ms >= silence_limit(crew);
	if (child->silent && !was_silent)
		wake_others(crew);	/* its listeners are open until its loop turns */
	if (child->silent && crew->stopping)
		intake_on_loss(crew, child->slot);
	if (ms < timeout_of(crew))
		return;
	abort_hung(crew, child, ms);
	if (crew->stopping)
		crew->drain_late = true;	/* nobody knows what was queued for it */
}

static void look_at_workers(struct crew *crew)
{
	slot_each(crew, slot)
		look_at(crew, slot);
	child_each(crew, child)
		look_at_leaving(crew, child);
}

void hang_look(struct crew *crew)
{
	if (timeout_of(crew) != BROOD_OFF)
		look_at_workers(crew);
	tasks_watch(crew);
	crew->look_ms = crew->now_ms + (timeout_of(crew) / 2 < LOOK_MS ? timeout_of(crew) / 2 : LOOK_MS);
}

void hang_watch(struct crew *crew)
{
	bool wanted = timeout_of(crew) != BROOD_OFF || crew->config->options.rebalance || crew->n_tasks > 0;

	crew->look_ms = wanted ? crew->now_ms + LOOK_MS : 0;
}

void hang_note_stops(struct crew *crew)
{
	child_each(crew, child) {
		siginfo_t info;

		if (pidfd_wait(child->pid_fd, child->pid, &info, WSTOPPED | WCONTINUED))
			child->stopped_ms = info.si_code == CLD_STOPPED ? crew->now_ms : 0;
	}
}
