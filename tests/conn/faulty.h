/* SPDX-License-Identifier: MIT */
/*
 * faulty.h - an engine around an engine, on which things go wrong
 *
 * By chance it fails an operation without beginning it, shortens a send, cuts what was received in two,
 * and keeps completions back for some turns, so that those of different connections change their order;
 * those of one operation do not. It also watches its caller: nothing is closed with an operation under
 * way, and no operation is begun twice. The same seed does the same.
 */
#pragma once

#include "conn/crowd.h"

enum site { SITE_RECV, SITE_SEND, SITE_FILE, N_SITES };
enum { FAULT_ZERO = 7, FAULT_SHORT, N_FAULTS };

static const int fault_errors[N_FAULTS] = {
	-ECANCELED, -EINTR, -EAGAIN, -ENOBUFS, -ENOMEM, -EPIPE, -ECONNRESET, 0, 1,
};

struct late {
	struct late		*next;
	struct completion	 c;
	unsigned		 n_turns;	/* to wait */
	char			 data[];
};

struct faulty {
	struct engine	 engine;
	struct engine	*inner;
	struct late	*first, **last;
	struct late	*given;			/* its data is in use until the next is asked for */
	unsigned	 one_in;		/* operations fails */
	unsigned	 visited[N_SITES][N_FAULTS];
	bool		 under_way[1 << 16][2];	/* by a connection's index: receiving; sending or waiting */
	uint32_t	 owners[1 << 16];	/* by descriptor: the index of its connection */
};

static struct faulty faulty;

static inline void keep_back(const struct completion *c)
{
	size_t n = c->res > 0 && c->data ? (size_t)c->res : 0;
	struct late *late = malloc(sizeof(*late) + n);

	*late = (struct late){ .c = *c, .n_turns = lrand48() % 3 ? 0 : (unsigned)lrand48() % 4 };
	if (n > 0)
		memcpy(late->data, c->data, n);
	late->c.data = n > 0 ? late->data : NULL;
	*faulty.last = late;
	faulty.last = &late->next;
}

static inline void complete(enum op op, struct tag tag, int res)
{
	keep_back(&(struct completion){ .op = op, .tag = tag, .res = res });
}

/* Return: the fault to make, or -1. */
static inline int choose_fault(enum site site)
{
	int fault = (int)(lrand48() % N_FAULTS);

	if (lrand48() % faulty.one_in != 0)
		return -1;
	faulty.visited[site][fault]++;
	return fault;
}

static inline void begin_op(int fd, struct tag tag, int way)
{
	assert_false(faulty.under_way[tag.index][way]);
	faulty.under_way[tag.index][way] = true;
	faulty.owners[fd] = tag.index;
	faulty.engine.counters.submitted++;
}

static inline void faulty_recv(struct engine *e, int fd, struct tag tag, bool once)
{
	int fault = choose_fault(SITE_RECV);

	begin_op(fd, tag, 0);
	if (fault >= 0 && fault != FAULT_SHORT)
		complete(OP_RECV, tag, fault_errors[fault]);
	else
		engine_recv(faulty.inner, fd, tag, once);
}

static inline void faulty_recv_stop(struct engine *e, int fd, struct tag tag)
{
	engine_recv_stop(faulty.inner, fd, tag);
}

static inline void faulty_send(struct engine *e, int fd, struct tag tag, const struct iovec *iov, int n,
			       enum send_then then)
{
	int fault = choose_fault(SITE_SEND);
	struct iovec part = { iov->iov_base, iov->iov_len / 2 + 1 };

	begin_op(fd, tag, 1);
	if (fault == FAULT_SHORT && iov->iov_len > 1)
		engine_send(faulty.inner, fd, tag, &part, 1, SEND_THEN_WAIT);
	else if (fault >= 0 && fault != FAULT_SHORT)
		complete(OP_SEND, tag, fault_errors[fault]);
	else
		engine_send(faulty.inner, fd, tag, iov, n, then);
}

static inline void faulty_send_stop(struct engine *e, int fd, struct tag tag)
{
	engine_send_stop(faulty.inner, fd, tag);
}

static inline ssize_t faulty_sendfile(struct engine *e, int fd, struct tag tag, int file_fd, uint64_t *offset,
				      size_t len, bool *ret_full)
{
	int fault = choose_fault(SITE_FILE);
	ssize_t n;

	*ret_full = false;
	if (fault >= 0 && fault != FAULT_SHORT && fault_errors[fault] != -EAGAIN)
		return fault_errors[fault];
	if (fault == FAULT_SHORT)
		len = len / 2 + 1;
	if (fault >= 0 && fault_errors[fault] == -EAGAIN) {
		complete(OP_WRITABLE, tag, 0);
		*ret_full = true;
		n = -EAGAIN;
	} else {
		n = engine_sendfile(faulty.inner, fd, tag, file_fd, offset, len, ret_full);
	}
	if (*ret_full)
		begin_op(fd, tag, 1);
	return n;
}

static inline void faulty_await_room(struct engine *e, int fd, struct tag tag)
{
	begin_op(fd, tag, 1);
	complete(OP_WRITABLE, tag, 0);
}

static inline void faulty_close(struct engine *e, int fd)
{
	const bool *under_way = faulty.under_way[faulty.owners[fd]];

	assert_false(under_way[0] || under_way[1]);
	engine_close(faulty.inner, fd);
}

static inline void receive_in_halves(struct completion *c)
{
	struct completion half = *c;

	half.res = c->res / 2;
	half.more = true;
	keep_back(&half);
	half = *c;
	half.data += c->res / 2;
	half.res -= c->res / 2;
	keep_back(&half);
	faulty.visited[SITE_RECV][FAULT_SHORT]++;
}

static inline int faulty_turn(struct engine *e, uint64_t until_ms)
{
	struct completion c;
	int r = engine_turn(faulty.inner, faulty.first ? 0 : until_ms);

	while (engine_next(faulty.inner, &c))
		if (c.op == OP_RECV && c.res > 1 && lrand48() % 4 == 0)
			receive_in_halves(&c);
		else if (c.op != OP_IGNORE)
			keep_back(&c);
	for (struct late *late = faulty.first; late; late = late->next)
		late->n_turns -= late->n_turns > 0;
	e->now_ms = faulty.inner->now_ms;
	return r;
}

/* The first that is due and has none of its own operation before it. */
static inline bool faulty_next(struct engine *e, struct completion *ret_completion)
{
	static uint64_t waits[1 << 16];		/* by index: a bit for each operation that waits */

	memset(waits, 0, sizeof(waits));
	free(faulty.given);
	faulty.given = NULL;
	for (struct late **at = &faulty.first; *at; at = &(*at)->next) {
		struct late *late = *at;
		uint64_t bit = UINT64_C(1) << late->c.op;

		if (late->n_turns > 0 || (waits[late->c.tag.index] & bit)) {
			waits[late->c.tag.index] |= bit;
			continue;
		}
		*at = late->next;
		if (faulty.last == &late->next)
			faulty.last = at;
		faulty.given = late;
		*ret_completion = late->c;
		if (!late->c.more)
			faulty.under_way[late->c.tag.index][late->c.op != OP_RECV] = false;
		return true;
	}
	return false;
}

static const struct engine_ops faulty_ops = {
	.recv = faulty_recv,
	.recv_stop = faulty_recv_stop,
	.send = faulty_send,
	.send_stop = faulty_send_stop,
	.sendfile = faulty_sendfile,
	.await_room = faulty_await_room,
	.close = faulty_close,
	.turn = faulty_turn,
	.next = faulty_next,
};

static inline struct engine *make_faulty(struct engine *inner, unsigned one_in)
{
	memset(&faulty, 0, sizeof(faulty));
	faulty.engine = (struct engine){ .ops = &faulty_ops, .kind = inner->kind, .now_ms = inner->now_ms };
	faulty.inner = inner;
	faulty.last = &faulty.first;
	faulty.one_in = one_in;
	return &faulty.engine;
}
