/* SPDX-License-Identifier: MIT */
/*
 * engine - the third implementation of engine.h
 *
 * It does what io_uring may do, in any order: late, in pieces, with an end to receiving whenever it likes, with
 * an error or without a buffer. Bytes to send are read when they leave, not when they were submitted, and what
 * was received is spoilt as soon as the next completion is asked for: who holds on to either shows.
 *
 * It watches its caller: no operation is begun twice, no descriptor is closed under one.
 */
#include "engine/engine.h"

#include "world/cover.h"
#include "world/kernel.h"

#include "base/clock.h"
#include "worker/room.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define BUFFERS		8
#define BUFFER_BYTES	512
#define DONE_MOST	1024

/* One under way; of a kind a descriptor has one at most. */
struct under_way {
	bool		 on;
	bool		 stopping;
	bool		 once;
	bool		 failing;	/* it will, half way */
	struct tag	 tag;
	struct waiter	 waiter;	/* exclusive polls */
	bool		 exclusive;
	uint64_t	 n_edges;	/* a poll has told of; 0 = of none */
	enum send_then	 then;
	int		 n_iov;
	struct iovec	 iov[ENGINE_IOV_MAX];
	size_t		 n_sent;
};

struct done {
	struct completion c;
	int		 buffer;	/* -1 = none */
};

struct simulated {
	struct engine	 engine;
	struct under_way ops[FDS_MOST][OP_IGNORE];	/* by descriptor and operation */
	int		 fd_most;	/* no operation on one above */
	unsigned	 n_done, n_given;
	struct done	 done[DONE_MOST];
	int		 held;		/* the buffer that is out; -1 = none */
	bool		 in_use[BUFFERS];
	char		 buffers[BUFFERS][BUFFER_BYTES];
};

static const struct engine_ops simulated_ops;

static struct simulated *simulated_of(struct engine *e)
{
	return (struct simulated *)e;
}

bool engine_wants_memory(const struct engine *e)
{
	return e->ops != &simulated_ops;
}

static void push(struct simulated *s, enum op op, struct tag tag, int res, bool more, int buffer)
{
	struct done *done = &s->done[s->n_done++];

	holds(s->n_done <= DONE_MOST, "%d completions at a time", DONE_MOST);
	*done = (struct done){
		.c = { .op = op, .tag = tag, .res = res, .more = more,
		      .data = buffer < 0 ? NULL : s->buffers[buffer] },
		.buffer = buffer,
	};
}

/* ---- submitting ---- */

static struct under_way *begin(struct simulated *s, int fd, enum op op, struct tag tag)
{
	struct under_way *w = &s->ops[fd][op];

	(void)file_at(world.current, fd);
	holds(!w->on, "operation %d is begun on descriptor %d, where it is under way", op, fd);
	*w = (struct under_way){ .on = true, .tag = tag };
	if (fd > s->fd_most)
		s->fd_most = fd;
	s->engine.counters.submitted++;
	return w;
}

static void simulated_poll(struct engine *e, int fd, struct tag tag)
{
	begin(simulated_of(e), fd, OP_POLL, tag);
}

static void simulated_poll_once(struct engine *e, int fd, struct tag tag, bool exclusive)
{
	struct under_way *w = begin(simulated_of(e), fd, OP_POLL, tag);

	w->once = true;
	w->exclusive = exclusive;
	w->failing = chance_of(FAULT_POLL_REFUSED);
	if (exclusive)
		socket_wait((struct socket *)file_at(world.current, fd), &w->waiter);
}

static bool same_tag(struct tag a, struct tag b)
{
	return a.owner == b.owner && a.generation == b.generation && a.index == b.index;
}

static void stop(struct engine *e, int fd, enum op op, struct tag tag)
{
	struct under_way *w = &simulated_of(e)->ops[fd][op];

	if (w->on && same_tag(w->tag, tag))
		w->stopping = true;
}

static void simulated_poll_stop(struct engine *e, int fd, struct tag tag)
{
	stop(e, fd, OP_POLL, tag);
}

static void simulated_recv(struct engine *e, int fd, struct tag tag, bool once)
{
	begin(simulated_of(e), fd, OP_RECV, tag)->once = once;
}

static void simulated_recv_stop(struct engine *e, int fd, struct tag tag)
{
	stop(e, fd, OP_RECV, tag);
}

static void simulated_send(struct engine *e, int fd, struct tag tag, const struct iovec *iov, int n,
			   enum send_then then)
{
	struct simulated *s = simulated_of(e);
	struct under_way *w = begin(s, fd, OP_SEND, tag);

	holds(n >= 1 && n <= ENGINE_IOV_MAX, "a send of %d pieces", n);
	holds(then != SEND_THEN_CLOSE || !s->ops[fd][OP_RECV].on, "a send that closes, with a receive under way");
	w->then = then;
	w->n_iov = n;
	memcpy(w->iov, iov, (size_t)n * sizeof(*iov));
	w->failing = chance_of(FAULT_SEND_CUT);
}

static void simulated_send_stop(struct engine *e, int fd, struct tag tag)
{
	stop(e, fd, OP_SEND, tag);
}

static ssize_t simulated_sendfile(struct engine *e, int fd, struct tag tag, int file_fd, uint64_t *offset,
				  size_t len, bool *ret_full)
{
	ssize_t n = engine_sendfile_now(fd, file_fd, offset, len, ret_full);

	holds(!simulated_of(e)->ops[fd][OP_SEND].on, "a file is sent over a send under way");
	if (*ret_full)
		begin(simulated_of(e), fd, OP_WRITABLE, tag);
	return n;
}

static void simulated_await_room(struct engine *e, int fd, struct tag tag)
{
	begin(simulated_of(e), fd, OP_WRITABLE, tag);
}

static void simulated_await_room_stop(struct engine *e, int fd, struct tag tag)
{
	stop(e, fd, OP_WRITABLE, tag);
}

static void check_idle(const struct simulated *s, int fd)
{
	for (enum op op = OP_POLL; op < OP_IGNORE; op++)
		holds(!s->ops[fd][op].on, "descriptor %d is closed under operation %d", fd, op);
}

static void simulated_close(struct engine *e, int fd)
{
	check_idle(simulated_of(e), fd);
	file_close(world.current, fd);
}

static void simulated_leave(struct engine *e, int fd)
{
	check_idle(simulated_of(e), fd);
}

/* ---- completing ---- */

static struct connection *connection_at(int fd)
{
	struct file *f = file_at(world.current, fd);

	holds(f->kind == FILE_STREAM, "descriptor %d is no connection", fd);
	return ((struct stream *)f)->connection;
}

static int take_buffer(struct simulated *s)
{
	for (int i = 0; i < BUFFERS && !chance_of(FAULT_RECV_STARVED); i++) {
		if (s->in_use[i])
			continue;
		s->in_use[i] = true;
		return i;
	}
	s->engine.counters.starved++;
	return -1;
}

static void end_op(struct simulated *s, int fd, enum op op, int res)
{
	struct under_way *w = &s->ops[fd][op];

	if (w->exclusive)
		socket_wait_no_more(&w->waiter);
	w->on = false;
	push(s, op, w->tag, res, false, -1);
}

/* Of a change, once. */
static bool poll_has_event(const struct process *p, int fd, const struct under_way *w)
{
	const struct file *f = file_at(p, fd);

	if (w->exclusive)
		return w->waiter.woken;
	return file_readable(f) && (!f->ops->edges || f->ops->edges(f) + 1 != w->n_edges);
}

static void go_on_polling(struct simulated *s, int fd, struct under_way *w)
{
	bool more = !w->once && !chance_of(FAULT_POLL_ENDED);
	bool has_event = poll_has_event(world.current, fd, w);
	const struct file *f = file_at(world.current, fd);

	if (has_event && f->ops->edges)
		w->n_edges = f->ops->edges(f) + 1;
	if (w->failing) {
		end_op(s, fd, OP_POLL, -ENOMEM);
	} else if (w->stopping && chance_one_in(2)) {
		end_op(s, fd, OP_POLL, -ECANCELED);
	} else if (has_event || (!w->exclusive && chance_of(FAULT_POLL_SPURIOUS))) {
		if (more)
			push(s, OP_POLL, w->tag, 0, true, -1);
		else
			end_op(s, fd, OP_POLL, 0);
	}
}

/* Return: what was received, 0 = the end, or -errno; -EAGAIN: not yet. */
static int receive(struct simulated *s, int fd, int *ret_buffer)
{
	static const int errors[] = { -ECONNRESET, -ETIMEDOUT, -ENOMEM, -EHOSTUNREACH };
	struct connection *c = connection_at(fd);
	size_t most = chance_one_in(4) ? 1 + chance_below(8) : 1 + chance_below(BUFFER_BYTES);
	int r;

	*ret_buffer = -1;
	if (!tcp_readable(c, OURS))
		return -EAGAIN;
	if (chance_of(FAULT_RECV_ERROR)) {
		c->spoiled = true;
		return errors[chance_below(4)];
	}
	if (c->halves[OURS].n > 0) {
		*ret_buffer = take_buffer(s);
		if (*ret_buffer < 0)
			return -ENOBUFS;
		return (int)tcp_receive(c, OURS, s->buffers[*ret_buffer], most);
	}
	r = (int)tcp_receive(c, OURS, NULL, 0);
	return r;
}

static void go_on_receiving(struct simulated *s, int fd, struct under_way *w)
{
	do {
		int buffer = -1;
		int r = w->stopping && chance_one_in(2) ? -ECANCELED : receive(s, fd, &buffer);
		bool more = r > 0 && !w->once && !chance_of(FAULT_RECV_ENDED);

		if (r == -EAGAIN && w->stopping)
			r = -ECANCELED;
		if (r == -EAGAIN)
			return;
		w->on = more;
		push(s, OP_RECV, w->tag, r, more, buffer);
	} while (w->on && chance_one_in(2));
}

static size_t total_of(const struct under_way *w)
{
	size_t n = 0;

	for (int i = 0; i < w->n_iov; i++)
		n += w->iov[i].iov_len;
	return n;
}

/* Return: bytes that left, or -errno. */
static ssize_t send_some(struct connection *c, const struct under_way *w)
{
	size_t skip = w->n_sent;

	for (int i = 0; i < w->n_iov; i++) {
		const struct iovec *part = &w->iov[i];
		size_t n;

		if (skip >= part->iov_len) {
			skip -= part->iov_len;
			continue;
		}
		n = part->iov_len - skip;
		if (chance_one_in(2))
			n = 1 + chance_below(n);
		return tcp_send(c, OURS, (const char *)part->iov_base + skip, n);
	}
	return 0;
}

static void finish_send(struct simulated *s, int fd, struct under_way *w, int error)
{
	bool all = w->n_sent == total_of(w);

	end_op(s, fd, OP_SEND, w->n_sent > 0 ? (int)w->n_sent : error);
	if (all && w->then == SEND_THEN_CLOSE)
		simulated_close(&s->engine, fd);
}

static void go_on_sending(struct simulated *s, int fd, struct under_way *w)
{
	struct connection *c = connection_at(fd);

	while (w->on) {
		ssize_t r = w->stopping && chance_one_in(2) ? -ECANCELED : 0;

		if (r == 0)
			r = chance_of(FAULT_SEND_ERROR) ? -ENOBUFS : send_some(c, w);
		if (r == -ENOBUFS || r == -ECANCELED)
			c->spoiled = true;
		if (r == -EAGAIN && w->stopping)
			r = -ECANCELED;
		if (r == -EAGAIN)
			return;
		if (r > 0)
			w->n_sent += (size_t)r;
		if (r < 0 || w->failing || w->n_sent == total_of(w))
			finish_send(s, fd, w, (int)r);
		else if (chance_one_in(4))
			return;
	}
}

static void go_on(struct simulated *s, int fd, enum op op)
{
	struct under_way *w = &s->ops[fd][op];

	switch (op) {
	case OP_POLL:
		go_on_polling(s, fd, w);
		break;
	case OP_RECV:
		go_on_receiving(s, fd, w);
		break;
	case OP_SEND:
		go_on_sending(s, fd, w);
		break;
	case OP_WRITABLE:
		if (tcp_writable(connection_at(fd), OURS))
			end_op(s, fd, OP_WRITABLE, 0);
		break;
	case OP_IGNORE:
		break;
	}
}

static bool can_go_on(const struct process *p, int fd, enum op op, const struct under_way *w)
{
	const struct file *f = p->fds[fd];

	if (w->stopping)
		return true;
	if (op == OP_POLL)
		return w->failing || poll_has_event(p, fd, w);
	return op == OP_RECV ? file_readable(f) : file_writable(f);
}

static bool turn_is_ready(struct process *p)
{
	const struct simulated *s = p->waits_for;

	for (int fd = 0; fd <= s->fd_most; fd++)
		for (enum op op = OP_POLL; op < OP_IGNORE; op++)
			if (s->ops[fd][op].on && can_go_on(p, fd, op, &s->ops[fd][op]))
				return true;
	return false;
}

/* Some of what could complete does, from a random descriptor on. */
static void gather(struct simulated *s)
{
	int n = s->fd_most + 1, from = (int)chance_below((unsigned)n);

	for (int i = 0; i < n; i++) {
		int fd = (from + i) % n;

		for (enum op op = OP_POLL; op < OP_IGNORE; op++)
			if (s->ops[fd][op].on && !chance_one_in(4))
				go_on(s, fd, op);
	}
}

static void give_back(struct simulated *s)
{
	if (s->held < 0)
		return;
	holds(s->in_use[s->held], "a buffer is given back twice");
	memset(s->buffers[s->held], 0xdd, BUFFER_BYTES);
	s->in_use[s->held] = false;
	s->held = -1;
}

static int simulated_turn(struct engine *e, uint64_t until_ms)
{
	struct simulated *s = simulated_of(e);

	check_worker(world.current);
	if (s->n_given == s->n_done)
		s->n_given = s->n_done = 0;
	process_wait(turn_is_ready, s, s->n_done > 0 ? 0 : until_ms);
	e->counters.turns++;
	e->counters.enters++;
	e->now_ms = world.now_ms;
	if (s->n_done == 0 && !chance_of(FAULT_TURN_EMPTY))
		gather(s);
	return 0;
}

static bool simulated_next(struct engine *e, struct completion *ret_completion)
{
	struct simulated *s = simulated_of(e);

	give_back(s);
	if (s->n_given == s->n_done)
		return false;
	*ret_completion = s->done[s->n_given].c;
	s->held = s->done[s->n_given++].buffer;
	e->counters.completed++;
	trace("completes", (uint64_t)ret_completion->op, ret_completion->tag.index,
	      (uint64_t)(int64_t)ret_completion->res);
	return true;
}

static void simulated_destroy(struct engine *e)
{
}

#ifdef __SANITIZE_ADDRESS__
#define KEPT false	/* whoever goes on using one is to be seen */
#else
#define KEPT true
#endif

/* They are large and little of each is ever written: that is cleared, when one is taken again. */
static struct simulated *spares[PROCESSES_MOST];
static unsigned n_spares;

static struct simulated *take_engine(void)
{
	struct simulated *s;

	if (n_spares == 0)
		return world_alloc(sizeof(*s));
	s = spares[--n_spares];
	memset(s->ops, 0, sizeof(s->ops[0]) * ((size_t)s->fd_most + 1));
	memset(s->in_use, 0, sizeof(s->in_use));
	s->fd_most = 0;
	s->n_done = s->n_given = 0;
	return s;
}

static void give_engine(struct simulated *s)
{
	if (KEPT && n_spares < PROCESSES_MOST)
		spares[n_spares++] = s;
	else
		world_free(s);
}

static const struct engine_ops simulated_ops = {
	.poll = simulated_poll,
	.poll_once = simulated_poll_once,
	.poll_stop = simulated_poll_stop,
	.recv = simulated_recv,
	.recv_stop = simulated_recv_stop,
	.send = simulated_send,
	.send_stop = simulated_send_stop,
	.sendfile = simulated_sendfile,
	.await_room = simulated_await_room,
	.await_room_stop = simulated_await_room_stop,
	.leave = simulated_leave,
	.close = simulated_close,
	.turn = simulated_turn,
	.next = simulated_next,
	.destroy = simulated_destroy,
};

/* ---- life ---- */

/* The real one on epoll runs on the simulated kernel just as well. */
CALL(int, engine_create, enum engine_kind wanted, struct engine **ret_engine, char *ret_why, size_t size)
{
	struct process *p = world.current;
	struct simulated *s;
	int r = 0;

	ret_why[0] = '\0';
	if (wanted == ENGINE_EPOLL) {
		r = epoll_create_engine(ret_engine);
	} else if (chance_of(FAULT_NO_URING)) {
		strncpy(ret_why, "io_uring refused by chance", size - 1);
		r = wanted == ENGINE_AUTO ? epoll_create_engine(ret_engine) : -EPERM;
	} else {
		s = take_engine();
		s->engine = (struct engine){ .ops = &simulated_ops, .kind = ENGINE_URING, .now_ms = clock_ms() };
		s->held = -1;
		*ret_engine = &s->engine;
	}
	if (r == 0)
		p->engine = *ret_engine;
	return r;
}

void engine_forget(struct process *p)
{
	struct simulated *s = simulated_of(p->engine);

	if (!s || engine_wants_memory(p->engine))
		return;
	for (int fd = 0; fd <= s->fd_most; fd++)
		socket_wait_no_more(&s->ops[fd][OP_POLL].waiter);
	give_engine(s);
	p->engine = NULL;
}

/* ---- checking ---- */

static bool is_done(const struct simulated *s, enum op op, struct tag tag)
{
	for (unsigned i = s->n_given; i < s->n_done; i++)
		if (s->done[i].c.op == op && same_tag(s->done[i].c.tag, tag) && !s->done[i].c.more)
			return true;
	return false;
}

static void check_op(const struct simulated *s, const struct conn *c, enum op op, bool expected)
{
	struct tag tag = { CONN_OWNER, c->generation, c->index };
	const struct under_way *w = &s->ops[c->fd][op];
	bool on = (w->on && same_tag(w->tag, tag)) || is_done(s, op, tag);

	holds(on == expected, "connection %u: operation %d %s under way, and it thinks otherwise", c->index, op,
	      on ? "is" : "is not");
}

void engine_check(const struct engine *e, const struct conn *c)
{
	const struct simulated *s = (const struct simulated *)e;

	if (engine_wants_memory(e))
		return;
	check_op(s, c, OP_RECV, c->receiving);
	check_op(s, c, OP_SEND, c->sending);
	check_op(s, c, OP_WRITABLE, c->awaits_room);
}
