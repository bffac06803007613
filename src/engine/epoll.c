/* SPDX-License-Identifier: MIT */
/*
 * epoll - the same engine where io_uring is refused
 *
 * Every descriptor is watched once, edge-triggered, in both directions; a small record per descriptor
 * remembers what it is ready for and what was asked of it. Here is what is asked, in epoll_send.c what is
 * to be sent, in epoll_turn.c what comes of it.
 *
 * Fails by: nothing that uring.c does not; -ENOMEM when a record cannot be made completes the operation.
 */
#include "engine/epoll.h"

#include "base/clock.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

static uint32_t events_of(const struct watch *w)
{
	if (w->poll_once)
		return EPOLLIN | (w->exclusive ? EPOLLEXCLUSIVE : 0);
	return EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
}

int epoll_begin(struct epoll *p, int fd, struct watch *w, struct tag tag)
{
	struct epoll_event event = { .events = events_of(w), .data.fd = fd };

	p->engine.counters.submitted++;
	w->tag = tag;
	if (w->registered)
		return 0;
	if (epoll_ctl(p->fd, EPOLL_CTL_ADD, fd, &event) < 0)
		return -errno;
	w->registered = true;
	return 0;
}

static void epoll_poll(struct engine *e, int fd, struct tag tag)
{
	struct epoll *p = epoll_of(e);
	struct watch *w = epoll_watch(p, fd);
	int r = epoll_begin(p, fd, w, tag);

	if (r < 0) {
		epoll_push(p, OP_POLL, tag, r);
		return;
	}
	w->polling = true;
	epoll_queue_readable(p, fd, w);
}

/* Exclusively, an arrival passes over those that are busy: a process is woken only while it waits. */
static void epoll_poll_once(struct engine *e, int fd, struct tag tag, bool exclusive)
{
	struct watch *w = epoll_watch(epoll_of(e), fd);

	w->poll_once = true;
	w->exclusive = exclusive;
	epoll_poll(e, fd, tag);
}

static void forget(struct watch *w)
{
	bool queued = w->queued;	/* its place among the readable outlives this; found empty there */

	free(w->iov);
	*w = (struct watch){ .queued = queued };
}

static void epoll_poll_stop(struct engine *e, int fd, struct tag tag)
{
	struct epoll *p = epoll_of(e);
	struct watch *w = epoll_watch(p, fd);

	if (w->registered)	/* closing would not do: others hold the same listening socket */
		epoll_ctl(p->fd, EPOLL_CTL_DEL, fd, NULL);
	if (w->polling)
		epoll_push(p, OP_POLL, tag, -ECANCELED);
	forget(w);
}

static void epoll_recv(struct engine *e, int fd, struct tag tag, bool once)
{
	struct epoll *p = epoll_of(e);
	struct watch *w = epoll_watch(p, fd);
	int r = epoll_begin(p, fd, w, tag);

	if (r < 0) {
		epoll_push(p, OP_RECV, tag, r);
		return;
	}
	w->receiving = true;
	w->once = once;
	epoll_queue_readable(p, fd, w);
}

static void epoll_recv_stop(struct engine *e, int fd, struct tag tag)
{
	struct epoll *p = epoll_of(e);
	struct watch *w = epoll_watch(p, fd);

	if (!w->receiving)
		return;
	w->receiving = false;
	epoll_push(p, OP_RECV, tag, -ECANCELED);
}

static void epoll_leave(struct engine *e, int fd)
{
	struct epoll *p = epoll_of(e);
	struct watch *w = epoll_watch(p, fd);

	if (w->registered)
		epoll_ctl(p->fd, EPOLL_CTL_DEL, fd, NULL);
	forget(w);
}

void epoll_close(struct engine *e, int fd)
{
	struct epoll *p = epoll_of(e);

	forget(epoll_watch(p, fd));
	close(fd);
}

/* ---- life ---- */

static void epoll_destroy(struct engine *e)
{
	struct epoll *p = epoll_of(e);

	for (unsigned i = 0; i < CHUNKS; i++) {
		for (unsigned j = 0; p->chunks[i] && j < CHUNK; j++)
			free(p->chunks[i][j].iov);
		free(p->chunks[i]);
	}
	free(p->readable.items);
	free(p->done.items);
	free(p->told.items);
	if (p->fd >= 0)
		close(p->fd);
	free(p);
}

static const struct engine_ops epoll_ops = {
	.poll = epoll_poll,
	.poll_once = epoll_poll_once,
	.poll_stop = epoll_poll_stop,
	.recv = epoll_recv,
	.recv_stop = epoll_recv_stop,
	.send = epoll_send,
	.send_stop = epoll_send_stop,
	.sendfile = epoll_sendfile,
	.await_room = epoll_await_room,
	.await_room_stop = epoll_await_room_stop,
	.leave = epoll_leave,
	.close = epoll_close,
	.turn = epoll_turn,
	.next = epoll_next,
	.destroy = epoll_destroy,
};

int epoll_create_engine(struct engine **ret_engine)
{
	struct epoll *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->engine = (struct engine){ .ops = &epoll_ops, .kind = ENGINE_EPOLL, .now_ms = clock_ms() };
	p->fd = epoll_create1(EPOLL_CLOEXEC);
	if (p->fd < 0) {
		int r = -errno;

		epoll_destroy(&p->engine);
		return r;
	}
	*ret_engine = &p->engine;
	return 0;
}
