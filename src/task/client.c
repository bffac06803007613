/* SPDX-License-Identifier: MIT */
/*
 * client - tasks that this worker has asked for
 *
 * Each is a watched end of a socket pair, an alarm for its time, and a companion of its request. Whatever comes
 * first of its result, the end of the pair, its time and the end of its request ends it; the other three are then
 * let go.
 */
#include "task/task.h"

#include "base/auto.h"
#include "bridge/board.h"
#include "bridge/heritage.h"
#include "bridge/parcel.h"
#include "bridge/ticket.h"
#include "conn/conn.h"
#include "reactor/reactor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define TIMEOUT_MS 30000

struct errand {
	struct companion	 companion;
	struct brood_request	*request;	/* NULL = none, or it is over */
	struct watch		*watch;
	struct alarm		 alarm;
	brood_task_done_fn	*done;
	brood_task_progress_fn	*progress;
	void			*arg;
};

/* What a callback is given, on its way through call_outside(). */
struct news {
	const struct errand	*errand;
	enum brood_task_status	 status;
	const void		*data;
	size_t			 len;
};

static struct {
	const struct heritage	*heritage;	/* NULL = this is no worker */
	struct reactor		*reactor;
	struct board_row	*row;
	unsigned		 n_alone;	/* without a request */
	const struct errand	*heard;		/* whose progress is being told; NULL when it has ended meanwhile */
} self;

static void count(_Atomic uint64_t *counter, uint64_t by)
{
	board_set(counter, board_get(counter) + by);
}

static void count_end(enum brood_task_status status)
{
	_Atomic uint64_t *const counters[] = {
		[BROOD_TASK_DONE] = &self.row->tasks_done,
		[BROOD_TASK_FAILED] = &self.row->tasks_failed,
		[BROOD_TASK_CRASHED] = &self.row->tasks_crashed,
		[BROOD_TASK_TIMED_OUT] = &self.row->tasks_timed_out,
		[BROOD_TASK_CANCELLED] = &self.row->tasks_cancelled,
	};

	count(counters[status], 1);
	count(&self.row->tasks_waited_for, UINT64_MAX);
}

static void tell_end(struct brood_request *request, void *arg)
{
	const struct news *news = arg;
	bool over = news->status == BROOD_TASK_CANCELLED;

	news->errand->done(over ? NULL : request, news->status, news->data, news->len, news->errand->arg);
}

static void tell_progress(struct brood_request *request, void *arg)
{
	const struct news *news = arg;

	news->errand->progress(request, news->data, news->len, news->errand->arg);
}

/* The pair is shut at once, because closing it may have to wait for the kernel, and somebody may work in vain. */
static void let_go(struct errand *errand)
{
	if (self.heard == errand)
		self.heard = NULL;
	reactor_alarm(self.reactor, &errand->alarm, ENGINE_NEVER);
	(void)shutdown(watch_fd(errand->watch), SHUT_RDWR);
	reactor_unwatch(self.reactor, errand->watch);
}

static void finish(struct errand *errand, enum brood_task_status status, const void *data, size_t len)
{
	struct news news = { errand, status, data, len };
	struct brood_request *request = errand->request;

	let_go(errand);
	count_end(status);
	if (request) {
		request_let_go(request, &errand->companion);
		request_call(request, tell_end, &news);
	} else {
		self.n_alone--;
		tell_end(NULL, &news);
	}
	free(errand);
}

/* Its request is over. */
static void cancel(struct companion *companion, bool tell)
{
	struct errand *errand = container_of(companion, struct errand, companion);
	struct news news = { errand, BROOD_TASK_CANCELLED, "", 0 };

	let_go(errand);
	count_end(BROOD_TASK_CANCELLED);
	if (tell)
		(void)call_outside(errand->request, tell_end, &news);
	free(errand);
}

static void on_late(void *arg)
{
	finish(arg, BROOD_TASK_TIMED_OUT, "", 0);
}

/* Return: whether it goes on: what hears of progress may end the request, and the errand with it. */
static bool hear_progress(struct errand *errand, const struct parcel *parcel)
{
	struct news news = { errand, BROOD_TASK_DONE, parcel->data, parcel->len };
	bool lives;

	if (!errand->progress)
		return true;
	self.heard = errand;
	if (errand->request)
		request_call(errand->request, tell_progress, &news);
	else
		tell_progress(NULL, &news);
	lives = self.heard == errand;
	self.heard = NULL;
	return lives;
}

/* Return: whether there may be more to hear. */
static bool hear(struct errand *errand, const struct parcel *parcel)
{
	switch (parcel->kind) {
	case PARCEL_PROGRESS:
		return hear_progress(errand, parcel);
	case PARCEL_RESULT:
		finish(errand, BROOD_TASK_DONE, parcel->data, parcel->len);
		return false;
	case PARCEL_FAILURE:
		finish(errand, BROOD_TASK_FAILED, parcel->data, parcel->len);
		return false;
	case PARCEL_INPUT:
		break;
	}
	finish(errand, BROOD_TASK_CRASHED, "", 0);	/* it sends nonsense */
	return false;
}

static void on_readable(void *arg)
{
	struct errand *errand = arg;
	struct parcel parcel = { 0 };
	bool more = true;
	int r;

	while (more) {
		r = parcel_receive(watch_fd(errand->watch), &parcel);
		if (r == -EAGAIN)
			return;
		if (r < 0) {
			finish(errand, BROOD_TASK_CRASHED, "", 0);
			return;
		}
		more = hear(errand, &parcel);
		parcel_release(&parcel);
	}
}

static struct errand *create(struct brood_request *request, const struct brood_task_options *options,
			     brood_task_done_fn *done, void *arg)
{
	struct errand *errand = calloc(1, sizeof(*errand));

	if (!errand)
		return NULL;
	*errand = (struct errand){
		.companion.end = cancel,
		.request = request,
		.alarm = { .fn = on_late, .arg = errand },
		.done = done,
		.progress = options->on_progress,
		.arg = arg,
	};
	return errand;
}

static int check(const struct brood_request *request, const char *name, size_t len,
		 const struct brood_task_options *options, brood_task_done_fn *done)
{
	if (!done || options->size != sizeof(*options))
		return -EINVAL;
	if (!self.heritage || self.heritage->ticket_fd < 0 ||
	    atomic_load_explicit(&self.heritage->board->task_slots, memory_order_relaxed) == 0)
		return -ESRCH;
	if (!names_find(name))
		return -ENOENT;
	if (len > PARCEL_MOST)
		return -EMSGSIZE;
	return request && request->finished ? -EPIPE : 0;
}

/* The input waits on the pair before anybody can look for it. Return: our end of the pair, or -errno. */
static int ask(const char *name, const void *in, size_t len, uint64_t deadline_ms)
{
	struct ticket ticket = { .deadline_ms = deadline_ms == ENGINE_NEVER ? 0 : deadline_ms };
	autoclose int ours = -1, theirs = -1;
	int ends[2];
	int r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return -errno;
	ours = ends[0];
	theirs = ends[1];
	snprintf(ticket.name, sizeof(ticket.name), "%s", name);
	r = parcel_send(ours, PARCEL_INPUT, in, len);
	if (r == 0)
		r = ticket_give(self.heritage->ticket_fd, &ticket, theirs);
	if (r < 0)
		return r;
	r = ours;
	ours = -1;	/* the caller's */
	return r;
}

/* Return: 0 and it is under way, or -errno. */
static int send_off(struct errand *errand, const char *name, const void *in, size_t len, uint64_t deadline_ms)
{
	int fd;

	if (ticket_n_queued(self.heritage->ticket_fd) >= self.heritage->config->options.task_queue)
		return -EAGAIN;		/* before anything is copied */
	fd = ask(name, in, len, deadline_ms);
	if (fd < 0)
		return fd;
	errand->watch = reactor_watch(self.reactor, fd, on_readable, errand);
	if (!errand->watch) {
		close(fd);
		return -ENOMEM;
	}
	reactor_alarm(self.reactor, &errand->alarm, deadline_ms);
	return 0;
}

static uint64_t deadline_of(const struct brood_task_options *options)
{
	if (options->timeout_ms == BROOD_OFF)
		return ENGINE_NEVER;
	return self.reactor->engine->now_ms + (options->timeout_ms ? options->timeout_ms : TIMEOUT_MS);
}

int brood_task(struct brood_request *request, const char *name, const void *in, size_t len,
	       const struct brood_task_options *options, brood_task_done_fn *done, void *arg)
{
	static const struct brood_task_options usual = BROOD_TASK_OPTIONS_INIT;
	struct errand *errand;
	int r = check(request, name, len, options ? options : &usual, done);

	if (r < 0)
		return r;
	options = options ? options : &usual;
	errand = create(request, options, done, arg);
	if (!errand)
		return -ENOMEM;
	r = send_off(errand, name, in, len, deadline_of(options));
	if (r < 0) {
		if (r == -EAGAIN)
			count(&self.row->tasks_refused, 1);
		free(errand);
		return r;
	}
	count(&self.row->tasks_asked, 1);
	count(&self.row->tasks_waited_for, 1);
	if (request)
		(void)request_accompany(request, &errand->companion);
	else
		self.n_alone++;
	return 0;
}

int tasks_open(const struct heritage *heritage, struct reactor *reactor, char *why, size_t size)
{
	self.heritage = heritage;
	self.reactor = reactor;
	self.row = &heritage->board->rows[heritage->row];
	return heritage->ticket_fd >= 0 ? names_load(heritage->config, false, why, size) : 0;
}

bool tasks_pending(void)
{
	return self.n_alone > 0;
}
