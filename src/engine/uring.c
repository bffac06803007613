/* SPDX-License-Identifier: MIT */
/*
 * uring - the engine on io_uring
 *
 * Made in the worker, after the fork. One io_uring_enter a turn: it submits all that the turn produced,
 * waits, and runs the completion work (DEFER_TASKRUN), so completions come in batches. Receives are
 * multishot into one ring of provided buffers; a buffer goes back to the ring when the next completion
 * is asked for, so nobody outside can hold one.
 *
 * user_data is the tag with the operation on top: op 8 | owner 8 | generation 16 | index 32.
 *
 * Fails by: refusing to be created (the caller falls back); a receive that finds no buffer completes
 * with -ENOBUFS and is asked for again by its owner, by when this turn's buffers are back.
 */
#include "engine/engine.h"

#include "base/clock.h"
#include "base/must.h"
#include "engine/buffers.h"
#include "engine/kernel.h"
#include "engine/ring.h"

#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#define GATHERS		64		/* vectored sends between two submissions */

struct gather {
	struct msghdr	header;
	struct iovec	iov[ENGINE_IOV_MAX];
};

struct uring {
	struct engine		 engine;
	struct io_uring		 ring;
	unsigned		 enter_flags;
	struct buffers		 buffers;
	unsigned		 n_gathers;
	struct gather		 gathers[GATHERS];
};

static struct uring *uring_of(struct engine *e)
{
	return (struct uring *)e;
}

static uint64_t pack(enum op op, struct tag tag)
{
	return (uint64_t)op << 56 | (uint64_t)tag.owner << 48 | (uint64_t)tag.generation << 32 | tag.index;
}

static struct tag unpack(uint64_t data)
{
	return (struct tag){ (uint8_t)(data >> 48), (uint16_t)(data >> 32), (uint32_t)data };
}

/* ---- submitting ---- */

/* Makes what was prepared visible to the kernel. Return: how many wait there. */
static unsigned publish(struct uring *u)
{
	struct io_uring_sq *sq = &u->ring.sq;
	unsigned tail = *sq->ktail;

	for (; sq->sqe_head != sq->sqe_tail; sq->sqe_head++)
		sq->array[tail++ & *sq->kring_mask] = sq->sqe_head & *sq->kring_mask;
	__atomic_store_n(sq->ktail, tail, __ATOMIC_RELEASE);
	return tail - __atomic_load_n(sq->khead, __ATOMIC_ACQUIRE);
}

static int enter(struct uring *u, unsigned wait_nr, struct io_uring_getevents_arg *arg)
{
	const struct io_uring_sq *sq = &u->ring.sq;
	unsigned submit = publish(u);
	unsigned flags = u->enter_flags;
	int r;

	if (arg)
		flags |= IORING_ENTER_EXT_ARG;
	buffers_publish(&u->buffers);
	u->engine.counters.enters++;
	r = io_uring_enter2(u->ring.ring_fd, submit, wait_nr, flags, (void *)arg, arg ? sizeof(*arg) : 0);
	if (__atomic_load_n(sq->khead, __ATOMIC_ACQUIRE) == *sq->ktail)
		u->n_gathers = 0;	/* a gather is copied when its submission is taken, not before */
	if (*sq->kflags & IORING_SQ_CQ_OVERFLOW)
		u->engine.counters.overflows++;
	return r;
}

/* Makes room among what was prepared: rare, costs an enter beyond the one a turn. */
static void submit_early(struct uring *u)
{
	int r = enter(u, 0, NULL);

	must(r >= 0 || r == -EINTR || r == -EBUSY || r == -EAGAIN);
}

static struct io_uring_sqe *prepare(struct uring *u, enum op op, struct tag tag)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);

	while (!sqe) {
		submit_early(u);
		sqe = io_uring_get_sqe(&u->ring);
	}
	u->engine.counters.submitted++;
	memset(sqe, 0, sizeof(*sqe));
	sqe->user_data = pack(op, tag);
	return sqe;
}

static void uring_poll(struct engine *e, int fd, struct tag tag)
{
	struct io_uring_sqe *sqe = prepare(uring_of(e), OP_POLL, tag);

	sqe->opcode = IORING_OP_POLL_ADD;
	sqe->fd = fd;
	sqe->len = IORING_POLL_ADD_MULTI;
	sqe->poll32_events = POLLIN;
}

/* One that waits anew goes to the end of the line, so that those who share @fd are woken in turn. */
static void uring_poll_once(struct engine *e, int fd, struct tag tag, bool exclusive)
{
	struct io_uring_sqe *sqe = prepare(uring_of(e), OP_POLL, tag);

	sqe->opcode = IORING_OP_POLL_ADD;
	sqe->fd = fd;
	sqe->poll32_events = POLLIN | (exclusive ? EPOLLEXCLUSIVE : 0);
}

static void cancel(struct uring *u, enum op op, struct tag tag)
{
	struct io_uring_sqe *sqe = prepare(u, OP_IGNORE, tag);

	sqe->opcode = IORING_OP_ASYNC_CANCEL;
	sqe->fd = -1;
	sqe->addr = pack(op, tag);
}

static void uring_poll_stop(struct engine *e, int fd, struct tag tag)
{
	cancel(uring_of(e), OP_POLL, tag);
}

static void uring_recv(struct engine *e, int fd, struct tag tag, bool once)
{
	struct io_uring_sqe *sqe = prepare(uring_of(e), OP_RECV, tag);

	sqe->opcode = IORING_OP_RECV;
	sqe->fd = fd;
	sqe->flags = IOSQE_BUFFER_SELECT;
	sqe->buf_group = BUFFER_GROUP;
	sqe->ioprio = once ? 0 : IORING_RECV_MULTISHOT;
}

static void uring_recv_stop(struct engine *e, int fd, struct tag tag)
{
	cancel(uring_of(e), OP_RECV, tag);
}

static void gather_into(struct uring *u, struct io_uring_sqe *sqe, const struct iovec *iov, int n)
{
	struct gather *gather = &u->gathers[u->n_gathers++];

	memcpy(gather->iov, iov, (size_t)n * sizeof(*iov));
	gather->header = (struct msghdr){ .msg_iov = gather->iov, .msg_iovlen = (size_t)n };
	sqe->opcode = IORING_OP_SENDMSG;
	sqe->addr = (uintptr_t)&gather->header;
	sqe->len = 1;
}

/* Nothing is watched when nothing is under way. */
static void uring_leave(struct engine *e, int fd)
{
}

static void uring_close(struct engine *e, int fd)
{
	struct io_uring_sqe *sqe = prepare(uring_of(e), OP_IGNORE, (struct tag){ 0, 0, 0 });

	sqe->opcode = IORING_OP_CLOSE;
	sqe->fd = fd;
	sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
}

/* A chain of requests must not be torn by a submission in its middle. */
static void make_room(struct uring *u, unsigned n_requests, unsigned n_gathers)
{
	while (io_uring_sq_space_left(&u->ring) < n_requests || u->n_gathers + n_gathers > GATHERS)
		submit_early(u);
}

static void uring_send(struct engine *e, int fd, struct tag tag, const struct iovec *iov, int n,
		       enum send_then then)
{
	struct uring *u = uring_of(e);
	struct io_uring_sqe *sqe;

	if (n > 1 || then == SEND_THEN_CLOSE)
		make_room(u, 2, n > 1);
	sqe = prepare(u, OP_SEND, tag);
	sqe->fd = fd;
	sqe->msg_flags = MSG_NOSIGNAL | MSG_WAITALL | (then == SEND_THEN_CLOSE ? MSG_MORE : 0);
	if (n > 1) {
		gather_into(u, sqe, iov, n);
	} else {
		sqe->opcode = IORING_OP_SEND;
		sqe->addr = (uintptr_t)iov->iov_base;
		sqe->len = (uint32_t)iov->iov_len;
	}
	if (then == SEND_THEN_CLOSE) {	/* a short send breaks the link, and the close does not happen */
		sqe->flags |= IOSQE_IO_LINK;
		uring_close(e, fd);
	}
}

static void uring_send_stop(struct engine *e, int fd, struct tag tag)
{
	cancel(uring_of(e), OP_SEND, tag);
}

static void uring_await_room(struct engine *e, int fd, struct tag tag)
{
	struct io_uring_sqe *sqe = prepare(uring_of(e), OP_WRITABLE, tag);

	sqe->opcode = IORING_OP_POLL_ADD;
	sqe->fd = fd;
	sqe->poll32_events = POLLOUT;
}

static void uring_await_room_stop(struct engine *e, int fd, struct tag tag)
{
	cancel(uring_of(e), OP_WRITABLE, tag);
}

static ssize_t uring_sendfile(struct engine *e, int fd, struct tag tag, int file_fd, uint64_t *offset,
			      size_t len, bool *ret_full)
{
	ssize_t n = engine_sendfile_now(fd, file_fd, offset, len, ret_full);

	if (*ret_full)
		uring_await_room(e, fd, tag);
	return n;
}

/* ---- completing ---- */

static int uring_turn(struct engine *e, uint64_t until_ms)
{
	struct uring *u = uring_of(e);
	struct __kernel_timespec timeout = { 0, 0 };
	struct io_uring_getevents_arg arg = { .sigmask_sz = _NSIG / 8 };
	unsigned wait_nr = 1;
	int r;

	if (until_ms != ENGINE_NEVER) {
		uint64_t left_ms = until_ms > e->now_ms ? until_ms - e->now_ms : 0;

		timeout.tv_sec = (long long)(left_ms / 1000);
		timeout.tv_nsec = (long long)(left_ms % 1000) * 1000000;
		arg.ts = (uintptr_t)&timeout;
		wait_nr = left_ms > 0;
	}
	e->counters.turns++;
	r = enter(u, wait_nr, &arg);
	e->now_us = clock_us();
	e->now_ms = e->now_us / 1000;
	if (r < 0 && r != -ETIME && r != -EINTR && r != -EBUSY && r != -EAGAIN)
		return r;
	return 0;
}

static bool uring_next(struct engine *e, struct completion *ret_completion)
{
	struct uring *u = uring_of(e);
	struct io_uring_cq *cq = &u->ring.cq;
	unsigned head = *cq->khead;
	struct io_uring_cqe *cqe;

	buffers_return(&u->buffers);
	if (head == __atomic_load_n(cq->ktail, __ATOMIC_ACQUIRE))
		return false;
	cqe = &cq->cqes[head & *cq->kring_mask];
	*ret_completion = (struct completion){
		.op = cqe->user_data >> 56,
		.tag = unpack(cqe->user_data),
		.res = cqe->res,
		.more = cqe->flags & IORING_CQE_F_MORE,
	};
	if (cqe->flags & IORING_CQE_F_BUFFER)	/* only then is there one to give back */
		ret_completion->data = buffers_take(&u->buffers, cqe->flags >> IORING_CQE_BUFFER_SHIFT);
	if (cqe->res == -ENOBUFS)
		e->counters.starved++;
	e->counters.completed++;
	__atomic_store_n(cq->khead, head + 1, __ATOMIC_RELEASE);
	return true;
}

/* ---- life ---- */

static void uring_destroy(struct engine *e)
{
	struct uring *u = uring_of(e);

	if (u->ring.ring_fd >= 0)
		io_uring_queue_exit(&u->ring);
	buffers_finish(&u->buffers);
	free(u);
}

static const struct engine_ops uring_ops = {
	.poll = uring_poll,
	.poll_once = uring_poll_once,
	.poll_stop = uring_poll_stop,
	.recv = uring_recv,
	.recv_stop = uring_recv_stop,
	.send = uring_send,
	.send_stop = uring_send_stop,
	.sendfile = uring_sendfile,
	.await_room = uring_await_room,
	.await_room_stop = uring_await_room_stop,
	.leave = uring_leave,
	.close = uring_close,
	.turn = uring_turn,
	.next = uring_next,
	.destroy = uring_destroy,
};

int uring_create(struct engine **ret_engine)
{
	struct uring *u = calloc(1, sizeof(*u));
	int r;

	if (!u)
		return -ENOMEM;
	u->engine = (struct engine){ .ops = &uring_ops, .kind = ENGINE_URING, .now_ms = clock_ms() };
	u->ring.ring_fd = -1;
	u->buffers = BUFFERS_NULL;
	r = ring_setup(&u->ring);
	if (r == 0)
		r = buffers_init(&u->buffers, &u->ring);
	else
		u->ring.ring_fd = -1;
	if (r < 0) {
		uring_destroy(&u->engine);
		return r;
	}
	u->enter_flags = IORING_ENTER_GETEVENTS;
	if (u->ring.features & IORING_FEAT_NO_IOWAIT)
		u->enter_flags |= IORING_ENTER_NO_IOWAIT;
	*ret_engine = &u->engine;
	return 0;
}
