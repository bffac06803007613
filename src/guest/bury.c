/* SPDX-License-Identifier: MIT */
/*
 * bury - the program has ended: was it to, and how do we pass it on?
 *
 * Who watches us sees what became of the program: we end with its exit code, or by the signal that has ended it.
 */
#include "guest/room.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define BY_SIGNAL 128	/* how a shell tells that what it ran was ended by a signal */

static bool is_orderly(const struct keeper *k)
{
	int stop_signal = (int)k->config->options.stop_signal;

	if (k->end.si_code == CLD_EXITED)
		return k->end.si_status == 0 || k->end.si_status == BY_SIGNAL + stop_signal;
	return k->end.si_status == stop_signal;
}

/* Of a shell, what it had started may go on for as long as it may take. */
static void end_leaving(struct keeper *k)
{
	k->drained = is_orderly(k);
	k->over = !k->drained || !k->config->options.shell;
}

/* It has said that it goes, and has gone too early: no death, but nobody accepts until the next one is ready. */
static void wait_for_successor(struct keeper *k)
{
	k->phase = PHASE_ENDED;
	k->ended_ms = k->stopped_ms = k->now_ms;
}

static void on_end(struct keeper *k, const siginfo_t *info)
{
	k->end = *info;
	k->pid = 0;
	if (k->leaving.told)
		end_leaving(k);
	else if (k->retiring && k->phase == PHASE_SERVING && !k->leaving.on && info->si_code == CLD_EXITED &&
		 info->si_status == 0)
		wait_for_successor(k);
	else
		k->over = true;
}

static void on_change(struct keeper *k, const siginfo_t *info)
{
	switch (info->si_code) {
	case CLD_STOPPED:
		if (info->si_pid == k->pid)
			k->stopped_ms = k->now_ms;
		break;
	case CLD_CONTINUED:
		if (info->si_pid == k->pid)
			k->stopped_ms = 0;
		if (k->ping_ms)
			k->ping_ms = k->now_ms;
		break;
	case CLD_EXITED: case CLD_KILLED: case CLD_DUMPED:
		if (k->pid != 0 && (info->si_pid == k->pid || (kill(k->pid, 0) < 0 && errno == ESRCH)))
			on_end(k, info);	/* the latter: a MAINPID that had another parent */
		break;
	}
}

void bury_all(struct keeper *k)
{
	siginfo_t info;
	int r;

	do {
		info = (siginfo_t){ .si_pid = 0 };
		r = waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WCONTINUED | WNOHANG);
		if (r == 0 && info.si_pid != 0)
			on_change(k, &info);
	} while (r == 0 && info.si_pid != 0);
	if (r < 0 && k->pid == 0 && k->drained)
		k->over = true;
}

void bury_step(struct keeper *k)
{
	if (k->now_ms >= bury_next_ms(k))
		k->over = true;
}

uint64_t bury_next_ms(const struct keeper *k)
{
	return k->phase == PHASE_ENDED ? k->ended_ms + k->config->options.start_timeout_ms : NEVER;
}

/* Without a core: it would be ours. */
static void die_by(int number)
{
	sigset_t set;

	prctl(PR_SET_DUMPABLE, 0);
	signal(number, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(number);
}

int bury_verdict(const struct keeper *k)
{
	if (k->drained)
		return BROOD_EXIT_DRAINED;
	if (k->end.si_code == CLD_EXITED)
		return k->end.si_status;
	die_by(k->end.si_status);
	return BY_SIGNAL + k->end.si_status;
}
