/* SPDX-License-Identifier: MIT */
/*
 * inplace - an upgrade of process 1, which has to stay who it is
 *
 * When process 1 of a container ends, so does the container. So the new parent it has started serves in the
 * interim only: once our own workers have drained, there is nothing in this process that is not in the other one,
 * and we execute the new program over ourselves. It then takes over from the interim pool, in the same
 * way and on the same socket as that one has from us, and the interim pool drains and leaves.
 *
 *   old 1 ──USR2──→ old 1 + interim ──drained──→ new 1 + interim ──ready──→ new 1
 *
 * Whatever fails on the way, somebody serves: a program that does not work is found out before anything is given
 * up, and a new 1 that cannot start tries again while the interim pool goes on.
 *
 * Signals stay blocked over the execution, so that one that comes meanwhile waits for the new program. Those that
 * ask for an end are passed on as SIGTERM, because we may not end before the other pool has.
 */
#include "parent/inplace.h"

#include "base/log.h"
#include "parent/crew.h"
#include "parent/notify.h"
#include "parent/program.h"
#include "parent/stop.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

/* Before another try. */
#define AGAIN_MS 1000
/* Between two looks whether everybody has left. */
#define LOOK_MS 50

bool inplace_needed(const struct crew *crew)
{
	return crew->pid == 1;
}

void inplace_begin(struct crew *crew, pid_t other, int fd)
{
	crew->inplace = (struct inplace){ .other = other, .fd = fd, .at_ms = crew->now_ms };
}

void inplace_resume(struct crew *crew, pid_t other, int fd)
{
	inplace_begin(crew, other, fd);
	crew->inplace.at_ms += AGAIN_MS;
}

void inplace_end(struct crew *crew)
{
	crew->inplace.fd = -1;
}

bool inplace_holds(const struct crew *crew)
{
	const struct inplace *in = &crew->inplace;

	return in->ending ? in->other != 0 : in->fd >= 0;
}

bool inplace_beside(const struct crew *crew)
{
	return crew->inplace.other != 0;
}

void inplace_stop(struct crew *crew)
{
	crew->inplace.ending = true;
	if (crew->inplace.other != 0)
		(void)kill(crew->inplace.other, SIGTERM);	/* our child, and not reaped yet */
}

bool inplace_note_death(struct crew *crew, const siginfo_t *info)
{
	struct inplace *in = &crew->inplace;

	if (in->other == 0 || info->si_pid != in->other)
		return false;
	in->other = 0;
	in->patience_ms = crew->now_ms + crew->config->options.drain_timeout_ms;
	if (info->si_code == CLD_EXITED && info->si_status == BROOD_EXIT_CUT)
		crew->drain_late = true;
	return true;
}

static bool is_due(const struct crew *crew)
{
	return crew->stopping && crew->n_children == 0 && crew->inplace.fd >= 0 && !crew->inplace.ending;
}

/* Workers of an interim pool that has died drain, and hold its addresses as long. */
static bool somebody_is_left(const struct crew *crew)
{
	siginfo_t info = { 0 };

	return crew->inplace.other == 0 && crew->now_ms < crew->inplace.patience_ms &&
	       waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

uint64_t inplace_next_ms(const struct crew *crew)
{
	return is_due(crew) ? crew->inplace.at_ms : 0;
}

void inplace_expire(struct crew *crew)
{
	struct inplace *in = &crew->inplace;
	int r;

	if (!is_due(crew) || in->at_ms > crew->now_ms)
		return;
	if (somebody_is_left(crew)) {
		in->at_ms = crew->now_ms + LOOK_MS;
		return;
	}
	(void)stop_verdict(crew);	/* the code is for nobody: we go on */
	log_info("upgrade: executing %s in place", program_path(crew->program));
	notify_lend(crew);
	r = program_execute(crew->program, in->other != 0 ? in->fd : -1);
	notify_take_back(crew);
	log_error("upgrade: cannot execute %s: %s; pid %d serves on, trying again in 1.0 s",
		  program_path(crew->program), strerror(-r), (int)in->other);
	in->at_ms = crew->now_ms + AGAIN_MS;
}
