/* SPDX-License-Identifier: MIT */
/*
 * tcp - connections, whose bytes arrive at once but only as far as there is room
 *
 * A reset is what the real one is: it may destroy what has arrived and was not read.
 */
#include "world/kernel.h"

#include "parent/child.h"
#include "parent/crew.h"
#include "worker/room.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <linux/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* ---- connections ---- */

static void drop_connection(struct connection *c)
{
	if (--c->n_sides == 0 && !c->client)
		world_free(c);
}

static void reset_side(struct half *s)
{
	s->reset = true;
	s->n_edges++;
	if (chance_of(FAULT_RESET_OVERTAKES))
		s->n = 0;
}

bool tcp_readable(const struct connection *c, int side)
{
	const struct half *s = &c->halves[side];

	return s->n > 0 || s->ended || s->reset || s->shut_in;
}

bool tcp_writable(const struct connection *c, int side)
{
	const struct half *s = &c->halves[side], *to = &c->halves[!side];

	return s->reset || s->shut_out || to->closed || to->n < to->room;
}

ssize_t tcp_receive(struct connection *c, int side, char *to, size_t n)
{
	struct half *s = &c->halves[side];
	size_t first;

	if (s->n == 0) {
		if (s->reset && !s->reset_told) {
			s->reset_told = true;
			return -ECONNRESET;
		}
		return s->ended || s->shut_in || s->reset ? 0 : -EAGAIN;
	}
	if (n > s->n)
		n = s->n;
	first = n < s->room - s->begin ? n : s->room - s->begin;
	memcpy(to, s->bytes + s->begin, first);
	memcpy(to + first, s->bytes, n - first);
	s->begin = (unsigned)((s->begin + n) % s->room);
	s->n -= (unsigned)n;
	c->halves[!side].n_edges++;
	return (ssize_t)n;
}

ssize_t tcp_send(struct connection *c, int side, const char *from, size_t n)
{
	struct half *s = &c->halves[side], *to = &c->halves[!side];
	unsigned end = (to->begin + to->n) % to->room;
	size_t first;

	if (s->reset || s->shut_out)
		return -EPIPE;
	if (to->closed) {	/* nobody is there: that is answered with a reset */
		reset_side(s);
		return (ssize_t)n;
	}
	if (to->shut_in) {
		s->n_sent += n;
		return (ssize_t)n;
	}
	if (n > to->room - to->n)
		n = to->room - to->n;
	if (n == 0)
		return -EAGAIN;
	first = n < to->room - end ? n : to->room - end;
	memcpy(to->bytes + end, from, first);
	memcpy(to->bytes, from + first, n - first);
	to->n += (unsigned)n;
	to->n_edges++;
	s->n_sent += n;
	return (ssize_t)n;
}

void tcp_shutdown(struct connection *c, int side, bool in, bool out)
{
	struct half *s = &c->halves[side];

	s->shut_in |= in;
	s->n_edges++;
	if (!out || s->shut_out)
		return;
	s->shut_out = true;
	c->halves[!side].ended = true;
	c->halves[!side].n_edges++;
}

void tcp_close(struct connection *c, int side, bool hard)
{
	struct half *s = &c->halves[side];

	holds(!s->closed, "a connection is closed twice");
	s->closed = true;
	if ((hard || s->n > 0) && !c->halves[!side].closed && !s->reset)
		reset_side(&c->halves[!side]);
	tcp_shutdown(c, side, true, true);
	s->n = 0;
	drop_connection(c);
}

/* ---- the pool's side, as a file ---- */

/* Of one that was killed: what is lost then is no fault of the pool. */
static bool was_killed(const struct process *p)
{
	return p && p->dead && (p->signal != 0 || p->code != 0);
}

/* A listener is closed, or what was handed over (@p: NULL), and nobody is there who could take what waits in it. */
static bool nobody_serves(const struct process *p)
{
	if (world.lend_lost)
		return true;
	if (!world.crew || (p && p->pid != world.parent_pid && world.crew->exit_code != BROOD_EXIT_GAVE_UP))
		return false;
	if (!p && !world.crew->stopping)
		return false;
	child_each(world.crew, child)
		if (world.crew->slots[child->slot].state != SLOT_LEAVING &&
		    (child->phase == CHILD_SERVING || (child->phase == CHILD_STARTING && !world.crew->stopping)))
			return false;
	return true;
}

/* The time to drain is over. */
static bool is_cutting(const struct process *p)
{
	if (p && p->worker)
		return p->worker->drain.cut;
	if (!world.crew)
		return false;
	if (world.crew->stopping)
		return world.crew->now_ms >= world.crew->stop_deadline_ms;
	return world.crew->now_ms >= world.crew->departures.deadline_ms;
}

void note_why(struct connection *c, const struct process *p)
{
	c->spoiled |= was_killed(p) || nobody_serves(p);
	if (c->cut || !is_cutting(p))
		return;
	c->cut = true;
	c->cut_by_stop = world.crew && world.crew->stopping;
}

static bool stream_readable(const struct file *f)
{
	return tcp_readable(((const struct stream *)f)->connection, OURS);
}

static bool stream_writable(const struct file *f)
{
	return tcp_writable(((const struct stream *)f)->connection, OURS);
}

static void stream_release(struct file *f)
{
	struct stream *s = (struct stream *)f;

	note_why(s->connection, f->owner);
	trace("closed", f->number, s->hard, s->connection->halves[OURS].n);
	tcp_close(s->connection, OURS, s->hard);
}

static uint64_t stream_edges(const struct file *f)
{
	return ((const struct stream *)f)->connection->halves[OURS].n_edges;
}

ssize_t stream_sendmsg(struct stream *s, const struct msghdr *header)
{
	ssize_t n = 0, r = 0;

	for (size_t i = 0; i < header->msg_iovlen && r >= 0; i++) {
		const struct iovec *part = &header->msg_iov[i];

		r = -ENOBUFS;
		if (!chance_of(FAULT_SEND_ERROR))
			r = tcp_send(s->connection, OURS, part->iov_base, part->iov_len);
		s->connection->spoiled |= r == -ENOBUFS;
		n += r > 0 ? r : 0;
		if (r < (ssize_t)part->iov_len)
			break;
	}
	if (n == 0 && r < 0)
		errno = (int)-r;
	return n > 0 ? n : r < 0 ? -1 : 0;
}

static const struct file_ops stream_ops = { stream_readable, stream_writable, stream_release, stream_edges };

struct stream *stream_create(struct connection *c)
{
	struct stream *s = file_create(sizeof(*s), FILE_STREAM, &stream_ops);

	s->connection = c;
	return s;
}

/* ---- calls ---- */

CALL(int, shutdown, int fd, int how)
{
	struct file *f = file_at(world.current, fd);

	trace("shuts", f->number, (uint64_t)how, 0);
	if (f->kind == FILE_STREAM) {
		note_why(((struct stream *)f)->connection, world.current);
		tcp_shutdown(((struct stream *)f)->connection, OURS, how != SHUT_WR, how != SHUT_RD);
	}
	if (f->kind == FILE_SOCKET)
		socket_shut((struct socket *)f);
	if (f->kind == FILE_PACKETS && how == SHUT_WR)
		packets_shut(f);
	return 0;
}

CALL(int, setsockopt, int fd, int level, int option, const void *value, socklen_t len)
{
	struct file *f = file_at(world.current, fd);

	if (f->kind == FILE_STREAM && level == SOL_SOCKET && option == SO_LINGER)
		((struct stream *)f)->hard = ((const struct linger *)value)->l_onoff;
	return f->kind == FILE_SOCKET && level == SOL_SOCKET ? socket_set((struct socket *)f, option, value) : 0;
}

static void tell_tcp_info(const struct connection *c, struct tcp_info *info)
{
	info->tcpi_state = c->halves[OURS].shut_out ? 5 : 1;	/* FIN_WAIT2: what we send arrives at once */
	info->tcpi_bytes_acked = c->halves[OURS].n_sent;
	info->tcpi_bytes_received = c->halves[THEIRS].n_sent;
}

CALL(int, getsockopt, int fd, int level, int option, void *value, socklen_t *len)
{
	struct file *f = file_at(world.current, fd);

	if (f->kind == FILE_STREAM && option == TCP_INFO) {
		tell_tcp_info(((struct stream *)f)->connection, value);
	} else if (f->kind == FILE_SOCKET && level == IPPROTO_TCP && option == TCP_INFO) {
		((struct tcp_info *)value)->tcpi_unacked = ((struct socket *)f)->n_queued;
	} else if (f->kind == FILE_SOCKET && option == SO_ACCEPTCONN) {
		*(int *)value = ((struct socket *)f)->listening;
	} else if (f->kind == FILE_STREAM && option == SO_ACCEPTCONN) {
		*(int *)value = 0;
	} else if (f->kind != FILE_PACKETS && option == SO_PROTOCOL) {
		*(int *)value = IPPROTO_TCP;
	} else {
		errno = ENOTSOCK;
		return -1;
	}
	return 0;
}

CALL(int, fcntl, int fd, int command, ...)
{
	holds(file_get(fd, FILE_STREAM) && command == F_GETFL, "an unknown fcntl");
	return O_NONBLOCK;
}

CALL(int, ioctl, int fd, unsigned long what, int *ret_n)
{
	const struct stream *s = file_get(fd, FILE_STREAM);

	holds(s && what == FIONREAD, "an unknown ioctl");
	*ret_n = (int)s->connection->halves[OURS].n;
	return 0;
}
