/* SPDX-License-Identifier: MIT */
/*
 * reap - a child has ended: hear its last words, take its status, tell its slot
 *
 * A child that announced its own death was buried then, its slot served by another since; here it is only
 * collected. Nothing is ever waited for: the kernel has told us that there is a status to take.
 *
 * As process 1, or as a subreaper (prctl(2)), we are given the orphans of whatever workers have started; they are
 * collected too, and so is every other child of this process.
 */
#include "parent/reap.h"

#include "base/log.h"
#include "base/memory.h"
#include "bridge/channel.h"
#include "parent/child.h"
#include "parent/crew.h"
#include "parent/event.h"
#include "parent/herald.h"
#include "parent/inplace.h"
#include "parent/message.h"
#include "parent/obituary.h"
#include "parent/pidfd.h"
#include "parent/poison.h"
#include "parent/post.h"
#include "parent/rollout.h"
#include "parent/stop.h"
#include "parent/tasks.h"
#include "parent/upgrade.h"
#include "parent/wake.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/* After its CRASH a worker may write its core for so long. */
#define CORE_DUMP_MS 60000
/* From when the kernel is seen to have killed for memory to when a death is not put down to that any more. */
#define OOM_EXPLAINS_MS 1000

/* What a program has started and a keeper that was killed could not end; its group has that number until then. */
static void end_group(const struct crew *crew, const struct child *child)
{
	if (crew->config->guest)
		(void)kill(-child->pid, SIGKILL);	/* fails when nobody is left, as it should be */
}

/*
 * The kernel tells only that it has killed somebody of our group, so each kill that was counted since the last look
 * explains one SIGKILL that was not ours; not for long, because it may have been somebody who is no worker.
 */
static bool explained_by_memory(struct crew *crew)
{
	uint64_t n = memory_oom_kills("");

	if (crew->now_ms >= crew->oom_until_ms)
		crew->n_oom_unexplained = 0;
	if (n > crew->n_oom_kills) {
		crew->n_oom_unexplained += n - crew->n_oom_kills;
		crew->oom_until_ms = crew->now_ms + OOM_EXPLAINS_MS;
	}
	crew->n_oom_kills = n;
	if (crew->n_oom_unexplained == 0)
		return false;
	crew->n_oom_unexplained--;
	return true;
}

static void set_cause(struct crew *crew, const struct child *child, struct obituary *o, const siginfo_t *info)
{
	if (info->si_code == CLD_EXITED)
		o->exit_code = info->si_status;
	else
		o->signal = info->si_status;
	if (o->signal == SIGKILL && !child->killed_for && explained_by_memory(crew))
		obituary_add_memory(o);
}

/* Of one that was told to leave, retired or stopping with the rest. */
static void log_leaving(const struct crew *crew, const struct child *child, const struct obituary *o)
{
	bool orderly = child->drained && o->exit_code == 0;
	struct log_subject subject = orderly ? child_subject(child, "drained") : obituary_subject(o);
	uint64_t n_cut = child_n_cut(crew, child);
	char lived[DURATION_TEXT_BYTES];
	char how[LOG_LINE_BYTES / 2];

	if (orderly) {
		duration_format(o->lived_ms, lived);
		snprintf(how, sizeof(how), "left after %s", lived);
	} else {
		obituary_tell(o, how, sizeof(how));
	}
	if (n_cut > 0)
		log_about(LOG_WARN, &subject, "worker %u (pid %d): %s, %" PRIu64 " connection%s cut", child->slot,
			  (int)child->pid, how, n_cut, n_cut == 1 ? "" : "s");
	else if (crew->stopping && (orderly || crew->exit_code == BROOD_EXIT_NOT_STARTED))
		log_debug("%s %u (pid %d): %s", slot_kind(child->slot), slot_number(child->slot), (int)child->pid,
			  how);
	else
		log_about(LOG_INFO, &subject, "%s %u (pid %d): %s", slot_kind(child->slot),
			  slot_number(child->slot), (int)child->pid, how);
}

/* What its loop did in all its life, as it wrote it on the board. */
static void log_counters(const struct crew *crew, const struct child *child)
{
	const struct board_row *row = child_row(crew, child);

#define FORMAT(name, meaning) " " #name "=%" PRIu64
#define VALUE(name, meaning) , board_get(&row->name)
	log_debug("%s %u (pid %d): counters:" BOARD_FIELDS(FORMAT), slot_kind(child->slot),
		  slot_number(child->slot), (int)child->pid
		  BOARD_FIELDS(VALUE));
#undef VALUE
#undef FORMAT
}

/* Its slot is told last, because by then a reaped child no longer takes up a place. */
static void bury(struct crew *crew, struct child *child, const struct obituary *o, bool reaped)
{
	bool is_task = slot_is_task(child->slot);
	bool was_told = is_task ? crew->tasks_leave : crew->stopping != NOT_STOPPING;
	enum role role = child_detach(crew, child);

	if (role != ROLE_LEAVING && !crew->stopping && !is_task)
		crew->n_deaths[obituary_cause(o, child)]++;
	if (crew->stopping)
		stop_count(crew, child);
	if (crew->stopping && !is_task)
		intake_on_loss(crew, child->slot);
	if (was_told || role == ROLE_LEAVING)
		log_leaving(crew, child, o);
	post_close(crew, child->box);
	event_exit(crew, child, o, was_told || role == ROLE_LEAVING);
	child->buried = true;
	if (reaped)
		child_destroy(crew, child);
	if (role != ROLE_LEAVING)
		rollout_lose(crew, role, o);
	if (is_task)
		tasks_look(crew);
	else
		wake_others(crew);
}

void on_death(struct crew *crew, struct child *child)
{
	struct obituary o;
	siginfo_t info;

	hear_last_words(crew, child);
	post_hear(crew, child->box);
	end_group(crew, child);
	if (!pidfd_wait(child->pid_fd, child->pid, &info, WEXITED))
		return;
	child_hang_up(crew, child);
	log_counters(crew, child);
	if (child->buried) {
		child_destroy(crew, child);
		wake_others(crew);
		return;
	}
	obituary_init(crew, child, &o);
	set_cause(crew, child, &o, &info);
	bury(crew, child, &o, true);
}

void on_dying(struct crew *crew, struct child *child, const struct crash_msg *crash)
{
	struct obituary o;

	obituary_init(crew, child, &o);
	obituary_add_crash(&o, crash);
	child_expect_death(crew, child, CORE_DUMP_MS, "took too long to die");
	poison_note(crew, crash);
	bury(crew, child, &o, false);
}

void on_contained(struct crew *crew, const struct child *child, const struct crash_msg *fault)
{
	struct log_subject subject = child_subject(child, "fault");
	char what[LOG_LINE_BYTES / 2];

	obituary_tell_fault(fault, what, sizeof(what));
	log_about(LOG_WARN, &subject, "worker %u (pid %d): contained %s; %s", child->slot, (int)child->pid, what,
		  child->phase == CHILD_LEAVING ? "leaving already" : "retiring");
	poison_note(crew, fault);
}

static struct child *find_by_pid(struct crew *crew, pid_t pid)
{
	child_each(crew, child)
		if (child->pid == pid)
			return child;
	return NULL;
}

/* Looks before it takes, because a status taken from a child of ours would be one its pidfd waits for. */
static bool reap_one(struct crew *crew)
{
	siginfo_t info = { 0 };
	struct child *child;

	if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
		return false;
	if (info.si_pid == crew->upgrade.pid) {
		on_upgrade_death(crew);
		return crew->upgrade.pid == 0;
	}
	if (herald_is(crew, info.si_pid)) {
		on_herald_death(crew);
		return !herald_is(crew, info.si_pid);
	}
	child = find_by_pid(crew, info.si_pid);
	if (!child && inplace_note_death(crew, &info))
		log_debug("upgrade: pid %d has left", (int)info.si_pid);
	if (!child)
		return waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | WNOHANG) == 0;
	on_death(crew, child);
	return !find_by_pid(crew, info.si_pid);
}

/* Of ours, where no pidfd tells. The last two look for themselves. */
static void reap_children(struct crew *crew)
{
	siginfo_t info;

	child_each(crew, child)
		if (pidfd_wait(child->pid_fd, child->pid, &info, WEXITED | WNOWAIT))
			on_death(crew, child);
	if (crew->herald)
		on_herald_death(crew);
	on_upgrade_death(crew);
}

void reap_begin(struct crew *crew)
{
	int is_subreaper = 0;

	crew->reaps = crew->pid == 1 || (prctl(PR_GET_CHILD_SUBREAPER, &is_subreaper) == 0 && is_subreaper);
	crew->n_oom_kills = memory_oom_kills("");
}

void reap_signalled(struct crew *crew)
{
	while (crew->reaps && reap_one(crew))
		;
	if (crew->has_no_pidfds)
		reap_children(crew);
}
