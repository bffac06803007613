/* SPDX-License-Identifier: MIT */
/*
 * epoll - the same engine where io_uring is refused
 *
 * Every descriptor is watched once, edge-triggered, in both directions; a small record per descriptor
 * remembers what it is ready for and what was asked of it. A receive is done when its completion is
 * fetched, into one buffer of the worker. A send is tried at once and goes on when the socket is writable.
 * Completions that need no waiting are queued, and the descriptors that can be read wait in a ring, so a
 * turn with work in hand does not sleep.
 *
 * Fails by: nothing that uring.c does not; -ENOMEM when a record cannot be made completes the operation.
 */
#include "engine/engine.h"

#include "base/clock.h"
#include "base/must.h"
#include "engine/pieces.h"
#include "engine/queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS		256
#define BUFFER_BYTES	(32 * 1024)
#define CHUNK		256		/* records are made this many at a time */
#define CHUNKS		4096		/* so descriptors up to a million */

/* What is known and wanted of one descriptor. */
struct watch {
	struct tag	 tag;
	bool		 registered : 1;
	bool		 readable : 1;	/* an edge came and EAGAIN has not */
	bool		 ended : 1;	/* the edge told of an end: a short read is not the last */
	bool		 polling : 1;
	bool		 poll_once : 1;	/* level-triggered */
	bool		 exclusive : 1;
	bool		 receiving : 1;
	bool		 once : 1;
	bool		 queued : 1;	/* waits among the readable */
	bool		 sending : 1;
	bool		 awaits_room : 1;
	uint8_t		 then : 2;	/* enum send_then */
	uint8_t		 n_iov;
	uint32_t	 sent;
	struct iovec	*iov;		/* what is left to send; on the heap, only while a send waits */
};

struct epoll {
	struct engine	 engine;
	int		 fd;
	struct watch	*chunks[CHUNKS];
	struct queue	 readable;	/* int: descriptors */
	unsigned	 readable_end;	/* of this turn; what is queued behind it is for the next */
	struct queue	 done;		/* struct completion */
	struct queue	 told;		/* int: polled once, and had its event; unwatched if not asked for again */
	char		 buffer[BUFFER_BYTES];
};

static struct epoll *epoll_of(struct engine *e)
{
	return (struct epoll *)e;
}

static struct watch *watch_of(struct epoll *p, int fd)
{
	struct watch **chunk;

	must(fd >= 0 && fd / CHUNK < CHUNKS);
	chunk = &p->chunks[fd / CHUNK];
	if (!*chunk) {
		*chunk = calloc(CHUNK, sizeof(struct watch));
		must(*chunk);
	}
	return &(*chunk)[fd % CHUNK];
}

static void push_done(struct epoll *p, enum op op, struct tag tag, int res)
{
	struct completion *c = queue_push(&p->done, sizeof(*c));

	*c = (struct completion){ .op = op, .tag = tag, .res = res };
}

static void queue_readable(struct epoll *p, int fd, struct watch *w)
{
	if (w->queued || !w->readable || !(w->polling || w->receiving))
		return;
	*(int *)queue_push(&p->readable, sizeof(int)) = fd;
	w->queued = true;
}

/* ---- submitting ---- */

static uint32_t events_of(const struct watch *w)
{
	if (w->poll_once)
		return EPOLLIN | (w->exclusive ? EPOLLEXCLUSIVE : 0);
	return EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
}

/* Return: 0, or -errno when the kernel will not watch @fd. */
static int begin(struct epoll *p, int fd, struct watch *w, struct tag tag)
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
	struct watch *w = watch_of(p, fd);
	int r = begin(p, fd, w, tag);

	if (r < 0) {
		push_done(p, OP_POLL, tag, r);
		return;
	}
	w->polling = true;
	queue_readable(p, fd, w);
}

/* Exclusively, an arrival passes over those that are busy: a process is woken only while it waits. */
static void epoll_poll_once(struct engine *e, int fd, struct tag tag, bool exclusive)
{
	struct watch *w = watch_of(epoll_of(e), fd);

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
	struct watch *w = watch_of(p, fd);

	if (w->registered)	/* closing would not do: others hold the same listening socket */
		epoll_ctl(p->fd, EPOLL_CTL_DEL, fd, NULL);
	if (w->polling)
		push_done(p, OP_POLL, tag, -ECANCELED);
	forget(w);
}

static void epoll_recv(struct engine *e, int fd, struct tag tag, bool once)
{
	struct epoll *p = epoll_of(e);
	struct watch *w = watch_of(p, fd);
	int r = begin(p, fd, w, tag);

	if (r < 0) {
		push_done(p, OP_RECV, tag, r);
		return;
	}
	w->receiving = true;
	w->once = once;
	queue_readable(p, fd, w);
}

static void epoll_recv_stop(struct engine *e, int fd, struct tag tag)
{
	struct epoll *p = epoll_of(e);
	struct watch *w = watch_of(p, fd);

	if (!w->receiving)
		return;
	w->receiving = false;
	push_done(p, OP_RECV, tag, -ECANCELED);
}

static void epoll_leave(struct engine *e, int fd)
{
	struct epoll *p = epoll_of(e);
	struct watch *w = watch_of(p, fd);

	if (w->registered)
		epoll_ctl(p->fd, EPOLL_CTL_DEL, fd, NULL);
	forget(w);
}

static void epoll_close(struct engine *e, int fd)
{
	struct epoll *p = epoll_of(e);

	forget(watch_of(p, fd));
	close(fd);
}

static void finish_send(struct epoll *p, int fd, struct watch *w, int r)
{
	push_done(p, OP_SEND, w->tag, w->sent || r == 0 ? (int)w->sent : r);
	free(w->iov);
	w->iov = NULL;
	w->sending = false;
	if (r == 0 && w->then == SEND_THEN_CLOSE)
		epoll_close(&p->engine, fd);
}

static void go_on_sending(struct epoll *p, int fd, struct watch *w)
{
	struct iovec *left = w->iov;
	int r = pieces_send(fd, &left, w->n_iov, w->then, &w->sent);

	if (r <= 0) {
		finish_send(p, fd, w, r);
		return;
	}
	memmove(w->iov, left, (size_t)r * sizeof(*left));
	w->n_iov = (uint8_t)r;
}

static void epoll_send(struct engine *e, int fd, struct tag tag, const struct iovec *iov, int n,
		       enum send_then then)
{
	struct epoll *p = epoll_of(e);
	struct watch *w = watch_of(p, fd);
	struct iovec copy[ENGINE_IOV_MAX];
	struct iovec *left = copy;
	int watched, r;

	memcpy(copy, iov, (size_t)n * sizeof(*iov));
	watched = begin(p, fd, w, tag);
	w->sent = 0;
	w->then = (uint8_t)then;
	r = pieces_send(fd, &left, n, then, &w->sent);
	if (r > 0 && watched < 0)
		r = watched;
	if (r > 0) {
		w->iov = malloc(sizeof(copy));
		if (!w->iov)
			r = -ENOMEM;
	}
	if (r <= 0) {
		finish_send(p, fd, w, r);
		return;
	}
	memcpy(w->iov, left, (size_t)r * sizeof(*left));
	w->n_iov = (uint8_t)r;
	w->sending = true;
}

static ssize_t epoll_sendfile(struct engine *e, int fd, struct tag tag, int file_fd, uint64_t *offset,
			      size_t len, bool *ret_full)
{
	struct epoll *p = epoll_of(e);
	struct watch *w = watch_of(p, fd);
	int r = begin(p, fd, w, tag);
	ssize_t n = 0, part = 0;

	*ret_full = false;
	if (r < 0)
		return r;
	do {	/* until refused: only then is there an edge when room comes, and a short one may be the file's end */
		part = engine_sendfile_now(fd, file_fd, offset, len - (size_t)n, ret_full);
		n += part > 0 ? part : 0;
	} while (part > 0 && *ret_full);
	w->awaits_room = *ret_full;
	return n > 0 ? n : part;
}

static void epoll_await_room(struct engine *e, int fd, struct tag tag)
{
	struct epoll *p = epoll_of(e);
	struct watch *w = watch_of(p, fd);
	int r = begin(p, fd, w, tag);

	if (r < 0)
		push_done(p, OP_WRITABLE, tag, r);
	w->awaits_room = r == 0;
}

static void epoll_await_room_stop(struct engine *e, int fd, struct tag tag)
{
	struct epoll *p = epoll_of(e);
	struct watch *w = watch_of(p, fd);

	if (w->awaits_room)
		push_done(p, OP_WRITABLE, tag, -ECANCELED);
	w->awaits_room = false;
}

static void epoll_send_stop(struct engine *e, int fd, struct tag tag)
{
	struct epoll *p = epoll_of(e);
	struct watch *w = watch_of(p, fd);

	if (w->sending && w->tag.index == tag.index && w->tag.generation == tag.generation)
		finish_send(p, fd, w, -ECANCELED);	/* else @fd is another's by now */
}

/* ---- completing ---- */

static void on_event(struct epoll *p, const struct epoll_event *event)
{
	int fd = event->data.fd;
	struct watch *w = watch_of(p, fd);

	if (event->events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		w->readable = true;
	if (event->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		w->ended = true;
	queue_readable(p, fd, w);
	if (!(event->events & (EPOLLOUT | EPOLLHUP | EPOLLERR)))
		return;
	if (w->sending)
		go_on_sending(p, fd, w);
	if (w->awaits_room) {
		w->awaits_room = false;
		push_done(p, OP_WRITABLE, w->tag, 0);
	}
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
		struct watch *w = watch_of(p, fd);

		if (!w->poll_once || w->polling)
			continue;
		epoll_ctl(p->fd, EPOLL_CTL_DEL, fd, NULL);
		w->registered = false;
	}
	queue_compact(&p->told, sizeof(int));
}

static int epoll_turn(struct engine *e, uint64_t until_ms)
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
	struct watch *w = watch_of(p, fd);
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
	queue_readable(p, fd, w);
	return found;
}

static bool epoll_next(struct engine *e, struct completion *ret_completion)
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
