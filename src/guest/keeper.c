/* SPDX-License-Identifier: MIT */
/*
 * keeper - the process between the parent and a program that is a worker
 *
 * To the parent it is a worker as any other: it offers listeners, says READY, SUICIDE and DRAINED, and its death is
 * the program's. To the program it is what systemd would be. It exists so that the parent need not read what
 * strangers write; and because it is the subreaper of all the program starts, and its death is the program's death,
 * nothing of a program is left behind.
 *
 *   wait       for the parent, the program's reports, its output, signals
 *   hear       what it reports; before its end, which may come with the same turn
 *   bury       its end
 *   readiness, pulse, leave    what the time has come for
 *
 * Fails by: FAILED on the channel with the reason and exit code 1 where the program cannot be executed; afterwards
 * as the program does.
 */
#include "guest/guest.h"
#include "guest/room.h"

#include "base/clock.h"
#include "base/log.h"
#include "bridge/board.h"
#include "bridge/privilege.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define FULL_MS 1000	/* the parent reads all the time; one that does not for this long is no parent */

enum { FROM_CHANNEL, FROM_SIGNALS, FROM_PROGRAM, FROM_STDOUT, FROM_STDERR, FROM_TALK, FROM_MAIL, N_SOURCES };

void keeper_tell(struct keeper *k, enum channel_type type, const void *payload, int fd)
{
	struct pollfd room = { .fd = k->heritage->channel_fd, .events = POLLOUT };
	int r = channel_send(k->heritage->channel_fd, type, payload, fd);

	if (r == -EAGAIN && poll(&room, 1, FULL_MS) > 0)
		r = channel_send(k->heritage->channel_fd, type, payload, fd);
	if (r < 0 && r != -EPIPE)	/* a parent that is gone is noticed by reading */
		log_warn("worker %u (pid %d): cannot tell the parent %s: %s", k->heritage->slot, (int)getpid(),
			 channel_type_name(type), strerror(-r));
}

void keeper_retire(struct keeper *k, const char *reason)
{
	struct suicide_msg message = { .reason = "" };

	if (k->retiring || k->leaving.on)
		return;
	k->retiring = true;
	snprintf(message.reason, sizeof(message.reason), "%s", reason);
	keeper_tell(k, CHANNEL_SUICIDE, &message, -1);
	talk_tell(k, "suicide");
}

void keeper_say_ready(struct keeper *k)
{
	const struct ready_msg ready = { .engine = BROOD_ENGINE_EPOLL };	/* it has to be one */

	if (k->phase != PHASE_STARTING)
		return;
	k->phase = PHASE_SERVING;
	if (k->ping_ms)
		k->ping_ms = k->now_ms;
	keeper_tell(k, CHANNEL_READY, &ready, -1);
}

static void say_failed(struct keeper *k, const char *why)
{
	struct failed_msg failed = { .reason = "" };

	snprintf(failed.reason, sizeof(failed.reason), "%s", why);
	keeper_tell(k, CHANNEL_FAILED, &failed, -1);
	k->end = (siginfo_t){ .si_code = CLD_EXITED, .si_status = BROOD_EXIT_NOT_STARTED };
	k->pid = 0;
	k->over = true;
}

/* ---- the program ---- */

static void log_launch(const struct keeper *k)
{
	log_debug("worker %u (pid %d): runs %s as pid %d", k->heritage->slot, (int)getpid(), k->config->guest[0],
		  (int)k->pid);
}

static void launch_if_due(struct keeper *k)
{
	char why[256] = "";

	if (k->phase != PHASE_BORN || k->leaving.on || !sockets_listen(k))
		return;
	k->phase = PHASE_STARTING;
	readiness_begin(k);
	if (launch(k, why, sizeof(why)) < 0)
		say_failed(k, why);
	else
		log_launch(k);
	talk_launched(k);
	for (unsigned i = 0; i < k->heritage->n_stored; i++)
		close(k->heritage->stored[i].fd);	/* the program's, and the parent's */
}

/* ---- the parent ---- */

static void on_message(struct keeper *k, const struct message *message)
{
	switch (message->type) {
	case CHANNEL_ACCEPT:
		launch_if_due(k);
		break;
	case CHANNEL_DRAIN:
		leave_begin(k, message->drain.timeout_ms, message->drain.last);
		break;
	case CHANNEL_SHARED:
		k->shared = message->shared.addresses;
		break;
	default:	/* what cannot be done for a program is not asked for either */
		break;
	}
	if (message->fd >= 0)
		close(message->fd);
}

static void on_channel(struct keeper *k)
{
	struct message message;
	int r;

	while ((r = channel_receive(k->heritage->channel_fd, FROM_PARENT, &message)) > 0)
		on_message(k, &message);
	k->deaf = r < 0;
	if (k->deaf && !k->leaving.on) {
		log_warn("worker %u (pid %d): the parent is gone (%s); draining, then leaving", k->heritage->slot,
			 (int)getpid(), strerror(-r));
		leave_orphaned(k);
	}
}

/* ---- signals ---- */

static void on_signal(struct keeper *k, const struct signalfd_siginfo *info)
{
	if (info->ssi_signo == SIGABRT && k->pid)
		kill(k->pid, SIGABRT);
	else if (info->ssi_signo == SIGABRT)
		k->over = true;
	else if (info->ssi_signo == SIGTERM && getppid() != k->heritage->parent_pid)
		leave_orphaned(k);
	else if (info->ssi_signo == SIGTERM)
		keeper_retire(k, "SIGTERM");
}

static void on_signals(struct keeper *k)
{
	struct signalfd_siginfo info;

	while (read(k->signal_fd, &info, sizeof(info)) == sizeof(info))
		on_signal(k, &info);
	bury_all(k);
}

static int open_signals(struct keeper *k)
{
	sigset_t set;

	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGABRT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	k->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return k->signal_fd;
}

/* ---- the loop ---- */

static int timeout_ms(const struct keeper *k)
{
	const uint64_t all[] = { bury_next_ms(k), readiness_next_ms(k), pulse_next_ms(k), leave_next_ms(k) };
	uint64_t next_ms = NEVER;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		next_ms = all[i] < next_ms ? all[i] : next_ms;
	if (next_ms == NEVER)
		return -1;
	if (next_ms <= k->now_ms)
		return 0;
	return next_ms - k->now_ms < INT_MAX ? (int)(next_ms - k->now_ms) : INT_MAX;
}

static void wait_for_events(struct keeper *k, struct pollfd fds[N_SOURCES])
{
	fds[FROM_CHANNEL] = (struct pollfd){ k->deaf ? -1 : k->heritage->channel_fd, POLLIN, 0 };
	fds[FROM_SIGNALS] = (struct pollfd){ k->signal_fd, POLLIN, 0 };
	fds[FROM_PROGRAM] = (struct pollfd){ k->notify_fd, POLLIN, 0 };
	fds[FROM_STDOUT] = (struct pollfd){ k->output[0].fd, POLLIN, 0 };
	fds[FROM_STDERR] = (struct pollfd){ k->output[1].fd, POLLIN, 0 };
	talk_wait(k, &fds[FROM_TALK], &fds[FROM_MAIL]);
	if (poll(fds, N_SOURCES, timeout_ms(k)) < 0)
		for (int i = 0; i < N_SOURCES; i++)
			fds[i].revents = 0;
	k->now_ms = clock_ms();
}

static void turn(struct keeper *k)
{
	struct pollfd fds[N_SOURCES];

	wait_for_events(k, fds);
	if (fds[FROM_PROGRAM].revents)
		hear(k);
	for (int i = 0; i < 2; i++)
		if (fds[FROM_STDOUT + i].revents)
			output_read(k, &k->output[i]);
	talk_step(k, &fds[FROM_TALK], &fds[FROM_MAIL]);
	if (fds[FROM_CHANNEL].revents)
		on_channel(k);
	if (fds[FROM_SIGNALS].revents)
		on_signals(k);
	bury_step(k);
	readiness_step(k);
	pulse_step(k);
	leave_step(k);
}

/* ---- birth and end ---- */

static int set_up(struct keeper *k, char *why, size_t size)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (open_signals(k) < 0 || hear_open(k) < 0 || talk_open(k) < 0) {
		snprintf(why, size, "descriptors of the keeper: %m");
		return -1;
	}
	if (sockets_open(k, why, size) < 0)
		return -1;
	return privilege_drop(k->config, why, size);
}

static void name_process(const struct heritage *h)
{
	char name[16];

	snprintf(name, sizeof(name), "brood:%u", h->slot);
	prctl(PR_SET_NAME, name);
}

/* What is told is told first: the parent does not wait long when the time is over. */
static void end(struct keeper *k)
{
	struct drained_msg drained = { .cut = k->n_cut };

	if (k->drained)
		keeper_tell(k, CHANNEL_DRAINED, &drained, -1);
	talk_close(k);
	family_end();
	for (int i = 0; i < 2; i++)
		if (k->output[i].fd >= 0)
			output_finish(k, &k->output[i]);
}

int guest_main(const struct heritage *heritage)
{
	struct keeper keeper = {
		.heritage = heritage, .config = heritage->config, .row = &heritage->board->rows[heritage->row],
		.now_ms = clock_ms(), .shared = heritage->shared, .signal_fd = -1, .notify_fd = -1,
		.output = { { .fd = -1 }, { .fd = -1 } },
		.talk = { .frames = { .fd = -1, .out_fd = -1 }, .program_fd = -1, .mail.fd = -1 },
	};
	struct keeper *k = &keeper;
	char why[256] = "";

	for (unsigned i = 0; i < LISTENERS_MAX; i++)
		k->listen_fd[i] = -1;
	name_process(heritage);
	pulse_begin(k);
	if (set_up(k, why, sizeof(why)) < 0)
		say_failed(k, why);
	else
		launch_if_due(k);
	while (!k->over)
		turn(k);
	end(k);
	return bury_verdict(k);
}
