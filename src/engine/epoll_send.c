/* SPDX-License-Identifier: MIT */
/*
 * epoll_send - a send is tried at once, and goes on when the socket is writable
 *
 * Fails by: -ENOMEM where what is left to send cannot be remembered.
 */
#include "engine/epoll.h"

#include "engine/pieces.h"

#include <errno.h>
#include <string.h>

static void finish_send(struct epoll *p, int fd, struct watch *w, int r)
{
	epoll_push(p, OP_SEND, w->tag, w->sent || r == 0 ? (int)w->sent : r);
	free(w->iov);
	w->iov = NULL;
	w->sending = false;
	if (r == 0 && w->then == SEND_THEN_CLOSE)
		epoll_close(&p->engine, fd);
}

static void send_on(struct epoll *p, int fd, struct watch *w)
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

void epoll_send(struct engine *e, int fd, struct tag tag, const struct iovec *iov, int n, enum send_then then)
{
	struct epoll *p = epoll_of(e);
	struct watch *w = epoll_watch(p, fd);
	struct iovec copy[ENGINE_IOV_MAX];
	struct iovec *left = copy;
	int watched, r;

	memcpy(copy, iov, (size_t)n * sizeof(*iov));
	watched = epoll_begin(p, fd, w, tag);
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

ssize_t epoll_sendfile(struct engine *e, int fd, struct tag tag, int file_fd, uint64_t *offset, size_t len,
		       bool *ret_full)
{
	struct epoll *p = epoll_of(e);
	struct watch *w = epoll_watch(p, fd);
	int r = epoll_begin(p, fd, w, tag);
	ssize_t n = 0, part = 0;

	*ret_full = false;
	if (r < 0)
		return r;
	/* until refused: only then is there an edge when room comes, and a short one may be the file's end */
	do {
		part = engine_sendfile_now(fd, file_fd, offset, len - (size_t)n, ret_full);
		n += part > 0 ? part : 0;
	} while (part > 0 && *ret_full);
	w->awaits_room = *ret_full;
	return n > 0 ? n : part;
}

void epoll_await_room(struct engine *e, int fd, struct tag tag)
{
	struct epoll *p = epoll_of(e);
	struct watch *w = epoll_watch(p, fd);
	int r = epoll_begin(p, fd, w, tag);

	if (r < 0)
		epoll_push(p, OP_WRITABLE, tag, r);
	w->awaits_room = r == 0;
}

void epoll_await_room_stop(struct engine *e, int fd, struct tag tag)
{
	struct epoll *p = epoll_of(e);
	struct watch *w = epoll_watch(p, fd);

	if (w->awaits_room)
		epoll_push(p, OP_WRITABLE, tag, -ECANCELED);
	w->awaits_room = false;
}

void epoll_send_stop(struct engine *e, int fd, struct tag tag)
{
	struct epoll *p = epoll_of(e);
	struct watch *w = epoll_watch(p, fd);

	if (w->sending && w->tag.index == tag.index && w->tag.generation == tag.generation)
		finish_send(p, fd, w, -ECANCELED);	/* else @fd is another's by now */
}

void epoll_on_room(struct epoll *p, int fd, struct watch *w)
{
	if (w->sending)
		send_on(p, fd, w);
	if (w->awaits_room) {
		w->awaits_room = false;
		epoll_push(p, OP_WRITABLE, w->tag, 0);
	}
}
