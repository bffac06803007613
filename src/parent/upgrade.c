/* SPDX-License-Identifier: MIT */
/*
 * upgrade - the old parent's side: start a new one, answer it (upgrade_answer.c), leave when it serves
 *
 * What is started is our own program anew, by its name, which may be another version by now. It asks for the
 * sockets and forks workers of its own, and for a moment both pools accept from the same queues. While that
 * lasts every worker knows that its sockets are another's as well (SHARED), so that whoever has to leave in a
 * hurry just lets go. Once the new one is ready our workers drain as those do whose replacement is ready.
 *
 * Fails by: a new one that ends, breaks the protocol or is not ready within the start timeout. It is killed, one
 * line says why, and nothing has changed here.
 */
#include "parent/upgrade.h"

#include "base/log.h"
#include "parent/control.h"
#include "parent/crew.h"
#include "parent/event.h"
#include "parent/inplace.h"
#include "parent/intake.h"
#include "parent/loop.h"
#include "parent/notify.h"
#include "parent/obituary.h"
#include "parent/pidfd.h"
#include "parent/pidfile.h"
#include "parent/program.h"
#include "parent/stop.h"
#include "parent/takeover.h"
#include "parent/tally.h"
#include "parent/testament.h"
#include "parent/transfer.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

/* HELLO, STATE, READY, every slot once, there or not, and of each what programs have stored, until there is no more. */
static unsigned messages_most(const struct crew *crew)
{
	return WORKERS_MAX + 3 + (crew->config->guest ? crew->n_slots * STORED_MOST : 0);
}

bool upgrade_under_way(const struct crew *crew)
{
	return crew->upgrade.pid != 0 || inplace_beside(crew);
}

/* ---- the beginning ---- */

/* SIGKILL makes the wait a short one. */
static void undo_start(struct upgrade *up)
{
	kill(up->pid, SIGKILL);
	while (waitpid(up->pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (up->pid_fd >= 0)
		close(up->pid_fd);
	close(up->fd);
}

static int watch_new(struct crew *crew, struct upgrade *up)
{
	int r = loop_watch(crew, up->fd, EPOLLIN, tag_make(SOURCE_UPGRADE, 0, 0));

	return r < 0 ? r : pidfd_watch(crew, up->pid, tag_make(SOURCE_UPGRADE_PID, 0, 0), &up->pid_fd);
}

static int start(struct crew *crew)
{
	struct upgrade up = { .pid_fd = -1 };
	int ends[2];
	int r = testament_pair(ends);

	if (r < 0)
		return r;
	up.fd = ends[0];
	if (!inplace_needed(crew))	/* the manager knows process 1 */
		notify_lend(crew);
	up.pid = program_start(crew->program, ends[1], &crew->signal_mask);
	notify_take_back(crew);
	close(ends[1]);
	if (up.pid < 0) {
		close(up.fd);
		return up.pid;
	}
	r = watch_new(crew, &up);
	if (r < 0) {
		undo_start(&up);
		return r;
	}
	up.deadline_ms = crew->now_ms + crew->config->options.start_timeout_ms;
	crew->upgrade = up;
	crew->upgrade_failure[0] = '\0';
	return 0;
}

const char *upgrade_begin(struct crew *crew)
{
	int r;

	if (upgrade_under_way(crew))
		return "one is under way";
	if (crew->stopping || crew->stop_at_ms)
		return "the pool is stopping";
	if (!crew->was_ready || takeover_under_way(crew))
		return "the pool is not ready yet";
	if (crew->scale_ms != 0)
		return "the pool is being scaled";
	if (!crew->program)
		return "/proc does not tell what this program was started as";
	r = start(crew);
	if (r < 0)
		return strerrordesc_np(-r);
	log_info("upgrade: started %s (pid %d)", program_path(crew->program), (int)crew->upgrade.pid);
	event_pool(crew, "upgrade", "begun", program_path(crew->program));
	return NULL;
}

void upgrade_await(struct crew *crew, pid_t pid, int fd)
{
	int r = loop_watch(crew, fd, EPOLLIN, tag_make(SOURCE_UPGRADE, 0, 0));

	crew->upgrade = (struct upgrade){ .pid = pid, .pid_fd = -1, .is_parent = true, .fd = fd };
	if (r < 0) {
		log_error("upgrade: pid %d cannot be listened to: %s", (int)pid, strerror(-r));
		stop_begin(crew, BROOD_EXIT_NOT_STARTED, crew->config->options.drain_timeout_ms);
	}
}

/* ---- the end ---- */

static void forget_new(struct crew *crew)
{
	if (crew->upgrade.pid_fd >= 0)
		close(crew->upgrade.pid_fd);
	crew->upgrade = (struct upgrade){ .pid_fd = -1, .fd = -1 };
}

static void hang_up(struct crew *crew)
{
	close(crew->upgrade.fd);
	crew->upgrade.fd = -1;
	crew->upgrade.deadline_ms = 0;
}

/* It is reaped when it is dead. */
static void end_new(struct crew *crew)
{
	transfer_disinherit(crew);
	intake_share(crew, 0, 0);
	if (crew->upgrade.is_parent)
		return;		/* and may try again */
	hang_up(crew);
	pidfd_kill(crew->upgrade.pid_fd, crew->upgrade.pid, SIGKILL);
}

void upgrade_fail(struct crew *crew, const char *format, ...)
{
	char why[sizeof(crew->upgrade_failure) - 32];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why, sizeof(why), format, arguments);
	va_end(arguments);
	snprintf(crew->upgrade_failure, sizeof(crew->upgrade_failure), "the new parent (pid %d) %s",
		 (int)crew->upgrade.pid, why);
	log_error("upgrade: %s; the old one stays", crew->upgrade_failure);
	event_pool(crew, "upgrade", "failed", crew->upgrade_failure);
	end_new(crew);
}

void upgrade_expire(struct crew *crew)
{
	char limit[DURATION_TEXT_BYTES];

	duration_format(crew->config->options.start_timeout_ms, limit);
	upgrade_fail(crew, "was not ready within %s", limit);
}

void upgrade_cancel(struct crew *crew)
{
	if (crew->upgrade.fd < 0)
		return;
	snprintf(crew->upgrade_failure, sizeof(crew->upgrade_failure), "given up, because the pool stops");
	log_info("upgrade: %s", crew->upgrade_failure);
	end_new(crew);
}

/* From here on the new one is a pool of its own. */
static void leave(struct crew *crew, const struct testament_ready *ready)
{
	const struct brood_options *options = &crew->config->options;
	const struct testament_go go = { .comes_back = inplace_needed(crew) };
	char at_most[DURATION_TEXT_BYTES];
	int r;

	tally_leave(crew);	/* before the new one may join */
	if (!inplace_needed(crew))
		notify_main(crew, crew->upgrade.pid);	/* what it says then is believed */
	r = testament_send(crew->upgrade.fd, TESTAMENT_GO, &go, NULL, 0);
	if (r < 0) {
		tally_come(crew);
		notify_main(crew, crew->pid);
		upgrade_fail(crew, "cannot be reached: %s", strerror(-r));
		return;
	}
	duration_format(options->drain_timeout_ms, at_most);
	log_info("upgraded: pid %d has taken over; draining %u worker%s, at most %s", (int)crew->upgrade.pid,
		 crew->n_children, crew->n_children == 1 ? "" : "s", at_most);
	event_pool(crew, "upgrade", "done", "");
	loop_unwatch(crew, crew->upgrade.fd);
	if (inplace_needed(crew))
		inplace_begin(crew, crew->upgrade.pid, crew->upgrade.fd);
	else
		close(crew->upgrade.fd);
	crew->left_to = crew->upgrade.pid;
	forget_new(crew);
	intake_share(crew, ready->addresses, crew->n_shared_slots);
	pidfile_leave(crew);
	if (ready->control)
		control_leave(crew);
	stop_begin(crew, BROOD_EXIT_DRAINED, options->drain_timeout_ms);
}

/* ---- what it says ---- */

static bool is_dead(const struct upgrade *up)
{
	siginfo_t info;

	return pidfd_wait(up->pid_fd, up->pid, &info, WEXITED | WNOWAIT);
}

/* One that has died since it said so must not be left alone with the clients. */
static void on_ready(struct crew *crew, const struct testament_message *m)
{
	if (m->ready.control && control_socket(crew) < 0)
		upgrade_fail(crew, "takes a control socket that there is not");
	else if (crew->upgrade.is_parent || !is_dead(&crew->upgrade))
		leave(crew, &m->ready);
}

static void handle(struct crew *crew, struct testament_message *m)
{
	if (m->pid != crew->upgrade.pid || m->uid != geteuid()) {
		upgrade_fail(crew, "is spoken for by another process (pid %d)", (int)m->pid);
		return;
	}
	if (m->type == TESTAMENT_HELLO && crew->upgrade.is_parent)
		crew->upgrade.n_messages = 0;
	if (++crew->upgrade.n_messages > messages_most(crew)) {
		upgrade_fail(crew, "asks without end");
		return;
	}
	switch ((enum testament_type)m->type) {
	case TESTAMENT_HELLO:
	case TESTAMENT_STATE:
	case TESTAMENT_SPARE:
	case TESTAMENT_HOLD:
	case TESTAMENT_TAKE:	upgrade_answer(crew, m); break;
	case TESTAMENT_READY:	on_ready(crew, m); break;
	case TESTAMENT_FAILED:	upgrade_fail(crew, "failed: %s", m->failed.reason); break;
	default:		break;		/* not FROM_NEW: testament_receive() lets none through */
	}
}

void on_upgrade(struct crew *crew)
{
	struct testament_message m;

	while (crew->upgrade.fd >= 0) {
		int r = testament_receive(crew->upgrade.fd, FROM_NEW, &m);

		if (r == 0)
			break;
		if (r == -EPIPE)	/* how it ended is said when it has */
			loop_unwatch(crew, crew->upgrade.fd);
		else if (r < 0)
			upgrade_fail(crew, "sent what is no message: %s", strerror(-r));
		else
			handle(crew, &m);
		for (unsigned i = 0; r > 0 && i < m.n_fds; i++)
			close(m.fds[i]);	/* what nobody has taken */
		if (r < 0)
			break;
	}
}

static void tell_end(struct crew *crew, const siginfo_t *info)
{
	if (info->si_code == CLD_EXITED)
		upgrade_fail(crew, "ended with code %d before it was ready", info->si_status);
	else
		upgrade_fail(crew, "died by SIG%s before it was ready", sigabbrev_np(info->si_status));
}

void on_upgrade_death(struct crew *crew)
{
	struct upgrade *up = &crew->upgrade;
	siginfo_t info;

	on_upgrade(crew);
	if (up->pid == 0 || !pidfd_wait(up->pid_fd, up->pid, &info, WEXITED))
		return;
	if (up->fd >= 0)
		tell_end(crew, &info);
	crew->steer_due = true;		/* it may have put others in the place of our programs */
	forget_new(crew);
}
