/* SPDX-License-Identifier: MIT */
/*
 * loop - the parent's one loop: wait, hear signals, messages and deaths, expire deadlines, settle
 *
 * Nothing here blocks but the wait itself, and that ends only for a reason: with no deadline ahead the timer
 * is off and an idle pool leaves its parent asleep.
 */
#include "parent/loop.h"

#include "acceptor/acceptor.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include "parent/child.h"
#include "parent/control.h"
#include "parent/crew.h"
#include "parent/depart.h"
#include "parent/hang.h"
#include "parent/herald.h"
#include "parent/inplace.h"
#include "parent/intake.h"
#include "parent/logs.h"
#include "parent/message.h"
#include "parent/notify.h"
#include "parent/poison.h"
#include "parent/post.h"
#include "parent/publish.h"
#include "parent/reap.h"
#include "parent/reload.h"
#include "parent/rollout.h"
#include "parent/scale.h"
#include "parent/stop.h"
#include "parent/takeover.h"
#include "parent/tally.h"
#include "parent/tasks.h"
#include "parent/transfer.h"
#include "parent/upgrade.h"
#include "parent/wake.h"
#include "parent/weigh.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define EVENTS_A_TURN 64

static const int blocked_signals[] = {
	SIGCHLD, SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU, SIGPIPE,
};

/* SIGCHLD gets its default back because children of a parent that ignores it leave no status. */
static int open_signals(struct crew *crew)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(blocked_signals) / sizeof(blocked_signals[0]); i++)
		sigaddset(&set, blocked_signals[i]);
	if (sigaction(SIGCHLD, &action, NULL) < 0 || sigprocmask(SIG_BLOCK, &set, &crew->signal_mask) < 0)
		return -errno;
	sigdelset(&set, SIGPIPE);
	crew->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return crew->signal_fd < 0 ? -errno : 0;
}

int loop_watch(const struct crew *crew, int fd, uint32_t events, uint64_t tag)
{
	struct epoll_event event = { .events = events, .data.u64 = tag };

	return epoll_ctl(crew->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

int loop_rewatch(const struct crew *crew, int fd, uint32_t events, uint64_t tag)
{
	struct epoll_event event = { .events = events, .data.u64 = tag };

	return epoll_ctl(crew->epoll_fd, EPOLL_CTL_MOD, fd, &event) < 0 ? -errno : 0;
}

void loop_unwatch(const struct crew *crew, int fd)
{
	(void)epoll_ctl(crew->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

int loop_init(struct crew *crew)
{
	int r = open_signals(crew);

	if (r < 0)
		return r;
	crew->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	crew->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (crew->epoll_fd < 0 || crew->timer_fd < 0)
		return -errno;
	r = loop_watch(crew, crew->signal_fd, EPOLLIN, tag_make(SOURCE_SIGNAL, 0, 0));
	return r < 0 ? r : loop_watch(crew, crew->timer_fd, EPOLLIN, tag_make(SOURCE_TIMER, 0, 0));
}

void loop_finish(struct crew *crew)
{
	const int fds[] = { crew->epoll_fd, crew->signal_fd, crew->timer_fd, crew->wake_fd, crew->ask_fd };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	crew->epoll_fd = crew->signal_fd = crew->timer_fd = crew->wake_fd = crew->ask_fd = -1;
}

static void earlier(uint64_t *next_ms, uint64_t at_ms)
{
	if (at_ms != 0 && (*next_ms == 0 || at_ms < *next_ms))
		*next_ms = at_ms;
}

/* Wishes and orphans whose time has come wait for somebody else and not for the clock. */
static uint64_t next_deadline(struct crew *crew)
{
	uint64_t next_ms = 0;

	any_slot_each(crew, slot) {
		earlier(&next_ms, slot->turn_ms);
		if (rollout_wish_ms(crew, slot) > crew->now_ms)
			earlier(&next_ms, rollout_wish_ms(crew, slot));
		if (slot->orphaned_ms > crew->now_ms)
			earlier(&next_ms, slot->orphaned_ms);
	}
	child_each(crew, child)
		earlier(&next_ms, child->deadline_ms);
	earlier(&next_ms, intake_next_ms(crew));
	earlier(&next_ms, wake_next_ms(crew));
	earlier(&next_ms, depart_next_ms(crew));
	earlier(&next_ms, crew->look_ms);
	earlier(&next_ms, crew->weigh_ms);
	earlier(&next_ms, tally_next_ms(crew));
	earlier(&next_ms, poison_next_ms(crew));
	earlier(&next_ms, control_next_ms(crew));
	earlier(&next_ms, crew->upgrade.deadline_ms);
	earlier(&next_ms, inplace_next_ms(crew));
	earlier(&next_ms, publish_next_ms(crew));
	earlier(&next_ms, stop_next_ms(crew));
	earlier(&next_ms, notify_next_ms(crew));
	earlier(&next_ms, post_next_ms(crew));
	earlier(&next_ms, herald_next_ms(crew));
	return next_ms;
}

static void arm_timer(struct crew *crew)
{
	uint64_t at_ms = next_deadline(crew);
	struct itimerspec at = {
		.it_value = { .tv_sec = (time_t)(at_ms / 1000), .tv_nsec = (long)(at_ms % 1000 * 1000000) },
	};

	if (at_ms == crew->timer_ms)
		return;
	must(timerfd_settime(crew->timer_fd, TFD_TIMER_ABSTIME, &at, NULL) == 0);
	crew->timer_ms = at_ms;
}

static void on_timer(struct crew *crew)
{
	uint64_t n;

	if (read(crew->timer_fd, &n, sizeof(n)) == sizeof(n))
		crew->timer_ms = 0;
}

/* As "SIGHUP"; valid until the next call. */
static const char *signal_name(int number)
{
	static char name[16];

	snprintf(name, sizeof(name), "SIG%s", sigabbrev_np(number));
	return name;
}

static void on_stop_signal(struct crew *crew, int number)
{
	/* while not ready the second begins the drain */
	bool hurry = crew->n_stop_signals > 0 && crew->stopping;

	crew->n_stop_signals++;
	if (hurry) {
		log_info("%s again: ending at once", signal_name(number));
		stop_hurry(crew);
	} else {
		stop_ask(crew, signal_name(number));
	}
}

static void on_reload_signal(struct crew *crew)
{
	const char *refusal = reload_begin(crew, "SIGHUP");

	if (!refusal)
		return;
	log_info("SIGHUP: %s", refusal);
	if (!crew->stopping && !crew->reloading) {	/* who has asked by it waits for an end */
		notify_reloading(crew);
		notify_ready(crew);
	}
}

static void on_scale_signal(struct crew *crew, int number)
{
	const char *refusal = scale_to(crew, number == SIGTTIN ? crew->n_wanted + 1 : crew->n_wanted - 1);

	if (refusal)
		log_warn("%s: %s", signal_name(number), refusal);
}

static void on_reopen_signal(struct crew *crew)
{
	const char *refusal = logs_reopen(crew, "SIGUSR1");

	if (refusal)
		log_info("SIGUSR1: %s", refusal);
}

static void on_upgrade_signal(struct crew *crew)
{
	const char *why_not = upgrade_begin(crew);

	if (why_not)
		log_warn("SIGUSR2: no upgrade: %s", why_not);
}

static void on_signal(struct crew *crew, int number)
{
	switch (number) {
	case SIGTERM: case SIGINT: case SIGQUIT:
		on_stop_signal(crew, number);
		break;
	case SIGHUP:
		on_reload_signal(crew);
		break;
	case SIGTTIN: case SIGTTOU:
		on_scale_signal(crew, number);
		break;
	case SIGUSR2:
		on_upgrade_signal(crew);
		break;
	case SIGUSR1:
		on_reopen_signal(crew);
		break;
	case SIGCHLD:
		hang_note_stops(crew);
		reap_signalled(crew);
		break;
	}
}

static void on_signals(struct crew *crew)
{
	struct signalfd_siginfo info;

	while (read(crew->signal_fd, &info, sizeof(info)) == sizeof(info))
		on_signal(crew, (int)info.ssi_signo);
}

/* The child of an event may have been reaped since the event was fetched; then nobody has its serial. */
static void dispatch(struct crew *crew, uint64_t tag, uint32_t events)
{
	struct child *child = NULL;

	if (tag_source(tag) == SOURCE_CHANNEL || tag_source(tag) == SOURCE_PID)
		child = child_find(crew, tag_row(tag), tag_serial(tag));
	switch (tag_source(tag)) {
	case SOURCE_SIGNAL:
		on_signals(crew);
		break;
	case SOURCE_TIMER:
		on_timer(crew);
		break;
	case SOURCE_ARRIVAL:
		on_arrival(crew);
		break;
	case SOURCE_CHANNEL:
		if (child)
			on_channel(crew, child);
		break;
	case SOURCE_PID:
		if (child)
			on_death(crew, child);
		break;
	case SOURCE_UPGRADE:
		on_upgrade(crew);
		break;
	case SOURCE_UPGRADE_PID:
		on_upgrade_death(crew);
		break;
	case SOURCE_TAKEOVER:
		on_takeover(crew);
		break;
	case SOURCE_ACCEPTOR:
		on_acceptor(crew->acceptor, tag_row(tag), crew->now_ms);
		break;
	case SOURCE_QUESTION:
		on_question(crew);
		break;
	case SOURCE_POST:
		on_post(crew, tag_row(tag), tag_serial(tag), events);
		break;
	case SOURCE_HERALD:
		on_herald_death(crew);
		break;
	case SOURCE_HERALD_MAIL:
		on_herald_mail(crew);
		break;
	case SOURCE_CONTROL:
		on_control(crew, tag_row(tag), tag_serial(tag));
		break;
	}
}

static void wait_for_events(struct crew *crew)
{
	struct epoll_event events[EVENTS_A_TURN];
	int n = epoll_wait(crew->epoll_fd, events, EVENTS_A_TURN, -1);

	must(n >= 0 || errno == EINTR);
	crew->now_ms = clock_ms();
	for (int i = 0; i < n; i++)
		dispatch(crew, events[i].data.u64, events[i].events);
}

static bool is_past(const struct crew *crew, uint64_t at_ms)
{
	return at_ms != 0 && at_ms <= crew->now_ms;
}

/* Who had the time and was not done is late. At once nobody has: the board tells of a worker, of a program nothing. */
static bool is_late(const struct crew *crew, const struct child *child)
{
	if (child->phase != CHILD_LEAVING || !child->ever_ready || child->drained || slot_is_task(child->slot))
		return false;
	return crew->stopping == STOPPING || (crew->stopping && crew->config->guest);
}

static void end_late(struct crew *crew, struct child *child)
{
	if (child->phase == CHILD_LEAVING)
		on_channel(crew, child);	/* its word came in time, if only we are late */
	if (is_late(crew, child))
		crew->drain_late = true;
	child_kill(crew, child, child->deadline_why);
}

static void expire(struct crew *crew)
{
	child_each(crew, child)
		if (is_past(crew, child->deadline_ms))
			end_late(crew, child);
	any_slot_each(crew, slot)
		if (is_past(crew, slot->turn_ms))
			slot_on(crew, slot, ON_TURN);
	if (is_past(crew, depart_next_ms(crew)))
		depart_look(crew);
	if (is_past(crew, wake_next_ms(crew)))
		wake_expire(crew);
	if (is_past(crew, crew->weigh_ms))
		weigh_look(crew);
	if (is_past(crew, tally_next_ms(crew)))
		tally_expire(crew);
	if (is_past(crew, crew->look_ms)) {
		hang_look(crew);
		transfer_look(crew);
	}
	if (is_past(crew, poison_next_ms(crew)))
		poison_expire(crew);
	if (is_past(crew, control_next_ms(crew)))
		control_expire(crew);
	if (is_past(crew, crew->upgrade.deadline_ms))
		upgrade_expire(crew);
	if (is_past(crew, publish_next_ms(crew)))
		publish_expire(crew);
	if (is_past(crew, stop_next_ms(crew)))
		stop_expire(crew);
	if (is_past(crew, post_next_ms(crew)))
		post_expire(crew);
	herald_expire(crew);
	inplace_expire(crew);
	notify_expire(crew);
	intake_expire(crew);
}

static void settle(struct crew *crew)
{
	if (!crew->stopping) {
		scale_settle(crew);
		rollout_grant(crew);
		reload_settle(crew);
	}
	tasks_settle(crew);
	intake_settle(crew);
	publish_settle(crew);
	logs_settle(crew);
}

void loop_run(struct crew *crew)
{
	scale_settle(crew);
	tasks_settle(crew);
	while (!stop_done(crew) || herald_lingers(crew)) {
		arm_timer(crew);
		wait_for_events(crew);
		expire(crew);
		settle(crew);
	}
}
