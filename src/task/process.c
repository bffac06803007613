/* SPDX-License-Identifier: MIT */
/*
 * process - a task process: waits for tickets and for the parent, runs one at a time
 *
 * Of those that wait an arrival wakes one (EPOLLEXCLUSIVE); when one has gone the parent tells the others to look.
 * One that is told to drain leaves as soon as it runs nothing; one that has had enough asks to be replaced first.
 */
#include "task/task.h"

#include "base/jitter.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/usage.h"
#include "bridge/board.h"
#include "bridge/channel.h"
#include "bridge/heritage.h"
#include "bridge/privilege.h"
#include "bridge/ticket.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define RSS_LOOK_MS 1000

struct process {
	const struct heritage	*heritage;
	struct board_row	*row;
	int			 epoll_fd;
	int			 signal_fd;
	bool			 leaving;
	bool			 retiring;
	uint64_t		 n_run;
	uint64_t		 requests;	/* then it is enough; 0 = never */
	uint64_t		 rss_bytes;
	uint64_t		 age_at_ms;
	uint64_t		 look_ms;
};

enum source { SOURCE_CHANNEL, SOURCE_SIGNAL, SOURCE_TICKETS };

static void say(const struct process *p, enum channel_type type, const void *payload)
{
	(void)channel_send(p->heritage->channel_fd, type, payload, -1);
}

static void retire(struct process *p, const char *reason)
{
	struct suicide_msg message = { .reason = "" };

	if (p->retiring || p->leaving)
		return;
	p->retiring = true;
	snprintf(message.reason, sizeof(message.reason), "%s", reason);
	say(p, CHANNEL_SUICIDE, &message);
}

static void take_log(struct process *p, const struct message *message)
{
	if (!message->log.access)
		(void)log_replace(message->fd);
	close(message->fd);
	if (message->log.last)
		say(p, CHANNEL_REOPENED, NULL);
}

static void on_message(struct process *p, const struct message *message)
{
	if (message->type == CHANNEL_DRAIN)
		p->leaving = true;
	else if (message->type == CHANNEL_LOG)
		take_log(p, message);
	else if (message->fd >= 0)
		close(message->fd);
}

/* Its end is the parent's: then there are no workers either, or soon none. */
static void hear_parent(struct process *p)
{
	struct message message;
	int r;

	while ((r = channel_receive(p->heritage->channel_fd, FROM_PARENT, &message)) > 0)
		on_message(p, &message);
	if (r < 0 && r != -EMFILE)
		p->leaving = true;
}

static void hear_signal(struct process *p)
{
	struct signalfd_siginfo info;

	while (read(p->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (getppid() != p->heritage->parent_pid)
			p->leaving = true;
		else
			retire(p, "SIGTERM");
	}
}

static bool is_too_large(struct process *p, uint64_t now_ms)
{
	struct usage usage;

	if (p->rss_bytes == 0 || now_ms < p->look_ms)
		return false;
	p->look_ms = now_ms + RSS_LOOK_MS;
	usage_read(getpid(), &usage);
	return usage.rss_bytes >= p->rss_bytes;
}

static void recycle(struct process *p)
{
	uint64_t now_ms = clock_ms();

	if (p->requests && p->n_run >= p->requests)
		retire(p, "max-requests");
	else if (p->age_at_ms && now_ms >= p->age_at_ms)
		retire(p, "max-age");
	else if (is_too_large(p, now_ms))
		retire(p, "max-rss");
}

/* One a turn, so that the parent is heard between two. */
static void take_one(struct process *p)
{
	struct ticket ticket;
	int fd;

	if (ticket_take(p->heritage->ticket_fd, &ticket, &fd) < 0)
		return;
	run_ticket(&ticket, fd);
	p->n_run++;
	recycle(p);
}

static int wait_ms(const struct process *p)
{
	uint64_t now_ms = clock_ms();

	if (p->age_at_ms == 0 || p->retiring)
		return -1;
	if (p->age_at_ms <= now_ms)
		return 0;
	return p->age_at_ms - now_ms < INT32_MAX ? (int)(p->age_at_ms - now_ms) : INT32_MAX;
}

static void turn(struct process *p)
{
	struct epoll_event events[3];
	int n = epoll_wait(p->epoll_fd, events, 3, wait_ms(p));
	bool tickets = false;

	for (int i = 0; i < n; i++) {
		if (events[i].data.u32 == SOURCE_CHANNEL) {
			hear_parent(p);
			tickets = true;		/* it may have said that somebody should look */
		} else if (events[i].data.u32 == SOURCE_SIGNAL) {
			hear_signal(p);
		} else {
			tickets = true;
		}
	}
	if (tickets && !p->leaving)
		take_one(p);
	if (n == 0)
		recycle(p);
}

/* ---- birth ---- */

static int watch(const struct process *p, int fd, enum source source, uint32_t flags)
{
	struct epoll_event event = { .events = EPOLLIN | flags, .data.u32 = source };

	return epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int open_descriptors(struct process *p)
{
	sigset_t term;
	int r;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	p->signal_fd = signalfd(-1, &term, SFD_NONBLOCK | SFD_CLOEXEC);
	p->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (p->signal_fd < 0 || p->epoll_fd < 0)
		return -errno;
	r = watch(p, p->heritage->channel_fd, SOURCE_CHANNEL, 0);
	if (r == 0)
		r = watch(p, p->signal_fd, SOURCE_SIGNAL, 0);
	if (r == 0)
		r = watch(p, p->heritage->ticket_fd, SOURCE_TICKETS, EPOLLEXCLUSIVE);
	return r == 0 ? run_init(p->heritage, p->row) : r;
}

static int set_up(struct process *p, char *why, size_t size)
{
	const struct brood_options *o = &p->heritage->config->options;
	int r = open_descriptors(p);

	if (r < 0) {
		snprintf(why, size, "task process: %s", strerror(-r));
		return r;
	}
	r = privilege_drop(p->heritage->config, why, size);
	if (r == 0)
		r = names_load(p->heritage->config, true, why, size);
	p->requests = jitter_up_to_a_tenth_less(o->max_requests);
	p->rss_bytes = jitter_up_to_a_tenth_less(o->max_rss_bytes);
	p->age_at_ms = o->max_age_ms ? clock_ms() + jitter_up_to_a_tenth_less(o->max_age_ms) : 0;
	return r;
}

static void name_process(const struct heritage *h)
{
	char name[16];

	snprintf(name, sizeof(name), "brood:task%u", h->slot - WORKERS_MAX);
	prctl(PR_SET_NAME, name);
}

int task_main(const struct heritage *heritage)
{
	struct process process = {
		.heritage = heritage, .row = &heritage->board->rows[heritage->row], .epoll_fd = -1, .signal_fd = -1,
	};
	struct failed_msg failed = { .reason = "" };
	const struct ready_msg ready = { .engine = BROOD_ENGINE_EPOLL };
	const struct drained_msg drained = { 0 };

	name_process(heritage);
	task_crash_report_on(heritage);
	board_set(&process.row->waiting, 1);	/* what it runs may take as long as it likes */
	if (set_up(&process, failed.reason, sizeof(failed.reason)) < 0) {
		say(&process, CHANNEL_FAILED, &failed);
		return BROOD_EXIT_NOT_STARTED;
	}
	say(&process, CHANNEL_READY, &ready);
	while (!process.leaving)
		turn(&process);
	say(&process, CHANNEL_DRAINED, &drained);
	return 0;
}
