/* SPDX-License-Identifier: MIT */
/*
 * engine.h - what the worker asks of the kernel, and what comes back
 *
 * The only room that says SQE, CQE or epoll. One interface, two implementations chosen once at start:
 * uring.c and epoll.c. It is a proactor: operations are submitted, engine_turn() waits, engine_next()
 * hands out what was completed. Submitting cannot fail; what goes wrong comes as a completion.
 *
 * A descriptor has at most one receive, one send and one writable operation under way. It may be closed
 * with engine_close() only after each has yielded its last completion; shutdown(2) makes them do so.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#define ENGINE_NEVER UINT64_MAX

enum engine_kind { ENGINE_AUTO, ENGINE_URING, ENGINE_EPOLL };
#define ENGINE_IOV_MAX 8

/* What follows a send. */
enum send_then {
	SEND_THEN_WAIT,		/* nothing yet */
	SEND_THEN_CLOSE,	/* the end: the descriptor is closed once all is sent, in one packet with it */
};

enum op {
	OP_POLL = 1,	/* readable; more = still watched. Edge-like: read until EAGAIN */
	OP_RECV,	/* res: bytes at .data, 0 = the peer has ended, or -errno; more = receiving goes on */
	OP_SEND,	/* res: bytes sent, short only if an error follows, or -errno; -EAGAIN:
			 * none, see engine_send() */
	OP_WRITABLE,	/* the socket takes data again */
	OP_IGNORE,
};

/* Whose operation it is; given back with the completion. An index and a generation, never a pointer. */
struct tag {
	uint8_t		owner;		/* the caller's enumeration */
	uint16_t	generation;	/* of the index; a late completion does not match */
	uint32_t	index;
};

struct completion {
	enum op		op;
	struct tag	tag;
	int		res;
	bool		more;
	const char	*data;		/* OP_RECV with res > 0; valid until the next engine_next() */
};

struct engine_counters {
	uint64_t	turns;
	uint64_t	enters;		/* system calls that submit or wait */
	uint64_t	submitted;	/* operations */
	uint64_t	completed;
	uint64_t	starved;	/* receives that found no buffer */
	uint64_t	overflows;	/* of the completion queue */
};

struct engine {
	const struct engine_ops	*ops;
	enum engine_kind	 kind;		/* never ENGINE_AUTO */
	uint64_t		 now_us;	/* read once a turn; monotonic */
	uint64_t		 now_ms;	/* the same */
	struct engine_counters	 counters;
};

struct engine_ops {
	void	(*poll)(struct engine *e, int fd, struct tag tag);
	void	(*poll_once)(struct engine *e, int fd, struct tag tag, bool exclusive);
	void	(*poll_stop)(struct engine *e, int fd, struct tag tag);
	void	(*recv)(struct engine *e, int fd, struct tag tag, bool once);
	void	(*recv_stop)(struct engine *e, int fd, struct tag tag);
	void	(*send)(struct engine *e, int fd, struct tag tag, const struct iovec *iov, int n,
			enum send_then then);
	void	(*send_stop)(struct engine *e, int fd, struct tag tag);
	ssize_t	(*sendfile)(struct engine *e, int fd, struct tag tag, int file_fd, uint64_t *offset, size_t len,
			    bool *ret_full);
	void	(*await_room)(struct engine *e, int fd, struct tag tag);
	void	(*await_room_stop)(struct engine *e, int fd, struct tag tag);
	void	(*leave)(struct engine *e, int fd);
	void	(*close)(struct engine *e, int fd);
	int	(*turn)(struct engine *e, uint64_t until_ms);
	bool	(*next)(struct engine *e, struct completion *ret_completion);
	void	(*destroy)(struct engine *e);
};

/* engine.c */

/*
 * Makes the engine @wanted; ENGINE_AUTO is io_uring, or epoll where that is refused.
 * ret_why: why it is not io_uring, one phrase; empty when it is, or when epoll was asked for.
 * Return: 0, or -errno with ret_why saying what refused and the remedy.
 */
int engine_create(enum engine_kind wanted, struct engine **ret_engine, char *ret_why, size_t size);
void engine_destroy(struct engine *e);
const char *engine_name(enum engine_kind kind);

/* Watch a descriptor for input, until engine_poll_stop(), after which a last completion comes. */
static inline void engine_poll(struct engine *e, int fd, struct tag tag)
{
	e->ops->poll(e, fd, tag);
}

/*
 * Watch a descriptor until the first event, which comes at once when there is input already.
 * @exclusive: of the processes that so watch it an arrival wakes one (EPOLLEXCLUSIVE), who takes what has
 * arrived, because nobody else will.
 */
static inline void engine_poll_once(struct engine *e, int fd, struct tag tag, bool exclusive)
{
	e->ops->poll_once(e, fd, tag, exclusive);
}

/* Of both; an event that came first may be lost with it. */
static inline void engine_poll_stop(struct engine *e, int fd, struct tag tag)
{
	e->ops->poll_stop(e, fd, tag);
}

/* Receive until the peer ends, an error, or engine_recv_stop(); or just once. */
static inline void engine_recv(struct engine *e, int fd, struct tag tag, bool once)
{
	e->ops->recv(e, fd, tag, once);
}

/* A last OP_RECV completion follows: -ECANCELED, or whatever came first. */
static inline void engine_recv_stop(struct engine *e, int fd, struct tag tag)
{
	e->ops->recv_stop(e, fd, tag);
}

/*
 * Send @n <= ENGINE_IOV_MAX pieces, whole. The pieces are copied from @iov now, their bytes must stay
 * until the completion. With SEND_THEN_CLOSE nothing else may be under way on @fd, and when the
 * completion says that all was sent, @fd is closed and its number may be another's; when it says less,
 * @fd is still the caller's to close. io_uring gives up with -EAGAIN when a send was woken for little room very
 * often (128 times on Linux 6.18): then engine_await_room(), and again.
 */
static inline void engine_send(struct engine *e, int fd, struct tag tag, const struct iovec *iov, int n,
			       enum send_then then)
{
	e->ops->send(e, fd, tag, iov, n, then);
}

/* Gives up a send under way; its completion comes all the same, and may still say that all was sent. */
static inline void engine_send_stop(struct engine *e, int fd, struct tag tag)
{
	e->ops->send_stop(e, fd, tag);
}

/*
 * Sends what fits of a file, now. Return: bytes, 0 at the end of the file, or -errno.
 * *ret_full: no more fits (the result may be -EAGAIN then), and an OP_WRITABLE completion will tell when
 * it does.
 */
static inline ssize_t engine_sendfile(struct engine *e, int fd, struct tag tag, int file_fd,
				      uint64_t *offset, size_t len, bool *ret_full)
{
	return e->ops->sendfile(e, fd, tag, file_fd, offset, len, ret_full);
}

/*
 * An OP_WRITABLE completion tells when @fd takes data, which it has just refused with -EAGAIN, or when its
 * connect(2) is through. Not together with engine_sendfile().
 */
static inline void engine_await_room(struct engine *e, int fd, struct tag tag)
{
	e->ops->await_room(e, fd, tag);
}

/* The completion comes all the same; before engine_poll_stop(), if both are under way. */
static inline void engine_await_room_stop(struct engine *e, int fd, struct tag tag)
{
	e->ops->await_room_stop(e, fd, tag);
}

/* Before somebody else holds the socket too: what is watched would be watched for as long as he does. */
static inline void engine_leave(struct engine *e, int fd)
{
	e->ops->leave(e, fd);
}

static inline void engine_close(struct engine *e, int fd)
{
	e->ops->close(e, fd);
}

/* Submits, waits for a completion or until @until_ms (ENGINE_NEVER; 0 = do not wait). Return: 0 or -errno. */
static inline int engine_turn(struct engine *e, uint64_t until_ms)
{
	return e->ops->turn(e, until_ms);
}

/* The next completion of this turn; false = none left. */
static inline bool engine_next(struct engine *e, struct completion *ret_completion)
{
	return e->ops->next(e, ret_completion);
}

/* engine.c, for the two */
/* A sendfile that waits for nothing. *ret_full: no more fits, it seems: less was sent than was asked for. */
ssize_t engine_sendfile_now(int fd, int file_fd, uint64_t *offset, size_t len, bool *ret_full);

/* uring.c, epoll.c: called by engine.c alone */
int uring_create(struct engine **ret_engine);
int epoll_create_engine(struct engine **ret_engine);
