/* SPDX-License-Identifier: MIT */
/*
 * epoll.h - what the files of the epoll engine share
 *
 * A record for each descriptor, found by its number; two queues, of what was completed and of who can be read.
 */
#pragma once

#include "base/must.h"
#include "engine/engine.h"
#include "engine/queue.h"

#include <stdlib.h>

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

static inline struct epoll *epoll_of(struct engine *e)
{
	return (struct epoll *)e;
}

static inline struct watch *epoll_watch(struct epoll *p, int fd)
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

static inline void epoll_push(struct epoll *p, enum op op, struct tag tag, int res)
{
	struct completion *c = queue_push(&p->done, sizeof(*c));

	*c = (struct completion){ .op = op, .tag = tag, .res = res };
}

static inline void epoll_queue_readable(struct epoll *p, int fd, struct watch *w)
{
	if (w->queued || !w->readable || !(w->polling || w->receiving))
		return;
	*(int *)queue_push(&p->readable, sizeof(int)) = fd;
	w->queued = true;
}

/* epoll.c */

/* Something is asked of @fd for @tag: from now on it is watched. Return: 0, or -errno when the kernel will not. */
int epoll_begin(struct epoll *p, int fd, struct watch *w, struct tag tag);
void epoll_close(struct engine *e, int fd);

/* epoll_send.c: as engine.h has them */

void epoll_send(struct engine *e, int fd, struct tag tag, const struct iovec *iov, int n, enum send_then then);
void epoll_send_stop(struct engine *e, int fd, struct tag tag);
ssize_t epoll_sendfile(struct engine *e, int fd, struct tag tag, int file_fd, uint64_t *offset, size_t len,
		       bool *ret_full);
void epoll_await_room(struct engine *e, int fd, struct tag tag);
void epoll_await_room_stop(struct engine *e, int fd, struct tag tag);
/* There is room in the socket: what is left of a send, and who waits for the room. */
void epoll_on_room(struct epoll *p, int fd, struct watch *w);

/* epoll_turn.c: as engine.h has them */

int epoll_turn(struct engine *e, uint64_t until_ms);
bool epoll_next(struct engine *e, struct completion *ret_completion);
