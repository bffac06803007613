/* SPDX-License-Identifier: MIT */
/*
 * epoll_turn - wait for events, and make completions of them
 *
 * Completions that need no waiting are queued, and the descriptors that can be read wait in a ring, so a
 * turn with work in hand does not sleep. A receive is done when its completion is fetched, into one buffer
 * of the worker.
 */
#include "engine/epoll.h"

#include "base/clock.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define EVENTS 256

static void on_event(struct epoll *p, const struct epoll_event *event)
{
	int fd = event->data.fd;
	struct watch *w = epoll_watch(p, fd);

	if (event->events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		w->readable = true;
	if (event->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		w->ended = true;
	epoll_queue_readable(p, fd, w);
	if (!(event->events & (EPOLLOUT | EPOLLHUP | EPOLLERR)))
		return;
	epoll_on_room(p, fd, w);
}

static int timeout_until(const struct epoll *p, uint64_t until_ms)
{
	uint64_t now = p->engine.now_ms;

	if (p->done.head != p->done.tail || p->readable.head != p->readable.tail || until_ms <= now)
		return 0;
	if (until_ms == ENGINE_NEVER)
		return -1;
	return until_ms - now > 3600000 ? 3600000 : (int)(until_ms - now);
}

/* Level-triggered, they would wake us again and again, and for nothing when we are full. */
static void unwatch_told(struct epoll *p)
{
	while (p->told.head != p->told.tail) {
		int fd = ((int *)p->told.items)[p->told.head++];
		struct watch *w = epoll_watch(p, fd);

		if (!w->poll_once || w->polling)
			continue;
		epoll_ctl(p->fd, EPOLL_CTL_DEL, fd, NULL);
		w->registered = false;
	}
	queue_compact(&p->told, sizeof(int));
}

int epoll_turn(struct engine *e, uint64_t until_ms)
{
	struct epoll *p = epoll_of(e);
	struct epoll_event events[EVENTS];
	int n;

	unwatch_told(p);
	queue_compact(&p->readable, sizeof(int));
	queue_compact(&p->done, sizeof(struct completion));
	n = epoll_wait(p->fd, events, EVENTS, timeout_until(p, until_ms));
	e->counters.turns++;
	e->counters.enters++;
	e->now_us = clock_us();
	e->now_ms = e->now_us / 1000;
	if (n < 0 && errno != EINTR)
		return -errno;
	for (int i = 0; i < n; i++)
		on_event(p, &events[i]);
	p->readable_end = p->readable.tail;
	return 0;
}

/* One receive into the worker's buffer. Return: false when there was nothing after all. */
static bool receive(struct epoll *p, int fd, struct watch *w, struct completion *ret_completion)
{
	ssize_t n = recv(fd, p->buffer, sizeof(p->buffer), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		w->readable = errno == EINTR;
		return false;
	}
	if (n < (ssize_t)sizeof(p->buffer))
		w->readable = w->ended;
	w->receiving = n > 0 && !w->once;
	*ret_completion = (struct completion){
		.op = OP_RECV, .tag = w->tag, .res = n < 0 ? -errno : (int)n, .more = w->receiving,
		.data = n > 0 ? p->buffer : NULL,
	};
	return true;
}

static bool read_one(struct epoll *p, int fd, struct completion *ret_completion)
{
	struct watch *w = epoll_watch(p, fd);
	bool found = false;

	w->queued = false;
	if (w->polling && w->readable) {
		w->readable = false;
		w->polling = !w->poll_once;
		if (w->poll_once)
			*(int *)queue_push(&p->told, sizeof(int)) = fd;
		*ret_completion = (struct completion){ .op = OP_POLL, .tag = w->tag, .more = w->polling };
		return true;
	}
	if (w->receiving && w->readable)
		found = receive(p, fd, w, ret_completion);
	epoll_queue_readable(p, fd, w);
	return found;
}

bool epoll_next(struct engine *e, struct completion *ret_completion)
{
	struct epoll *p = epoll_of(e);

	if (p->done.head != p->done.tail) {
		*ret_completion = ((struct completion *)p->done.items)[p->done.head++];
		e->counters.completed++;
		return true;
	}
	while (p->readable.head < p->readable_end) {
		int fd = ((int *)p->readable.items)[p->readable.head++];

		if (!read_one(p, fd, ret_completion))
			continue;
		e->counters.completed++;
		return true;
	}
	return false;
}
