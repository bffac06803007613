/* SPDX-License-Identifier: MIT */
/*
 * listener - sockets that are bound and perhaps listen, and the group that those with SO_REUSEPORT are
 *
 * A group has an order: who listens comes last, who leaves is replaced by the last. A program may choose in it;
 * else the hash does, which here is chance. What waits in a queue is reset when its last descriptor is closed, or
 * the socket is shut.
 */
#include "world/kernel.h"

#include "parent/crew.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <string.h>

static bool socket_readable(const struct file *f)
{
	const struct socket *s = (const struct socket *)f;

	return s->n_queued > 0 || !s->listening;
}

static struct connection *take_queued(struct socket *s)
{
	struct connection *c = s->first;

	s->first = c->next;
	if (!s->first)
		s->last = &s->first;
	s->n_queued--;
	c->listener = NULL;
	return c;
}

static void reset_queue(struct socket *s)
{
	while (s->n_queued > 0) {
		struct connection *c = take_queued(s);

		trace("lost in the queue", s->file.number, 0, 0);
		note_why(c, s->file.owner);
		tcp_close(c, OURS, true);
	}
}

static void leave_group(struct socket *s)
{
	struct reuseport *g = &world.group;

	for (unsigned i = 0; i < g->n; i++)
		if (g->members[i] == s)
			g->members[i] = g->members[--g->n];
}

static void socket_release(struct file *f)
{
	struct socket *s = (struct socket *)f;

	leave_group(s);
	reset_queue(s);
}

static const struct file_ops socket_ops = { socket_readable, NULL, socket_release, NULL };

/* An arrival wakes the one who has waited longest. */
static void wake_one(struct socket *s)
{
	struct waiter *w = s->waiters;

	if (!w)
		return;
	s->waiters = w->next;
	w->woken = true;
	w->listener = NULL;
	if (chance_of(FAULT_DIES_WOKEN))
		process_signal(w->process, SIGKILL);
}

void socket_wait(struct socket *s, struct waiter *w)
{
	struct waiter **at = &s->waiters;

	*w = (struct waiter){ .process = world.current, .woken = socket_readable(&s->file) };
	if (w->woken)
		return;
	w->listener = s;
	while (*at)
		at = &(*at)->next;
	*at = w;
}

void socket_wait_no_more(struct waiter *w)
{
	struct waiter **at = w->listener ? &w->listener->waiters : NULL;

	while (at && *at != w)
		at = &(*at)->next;
	if (at)
		*at = w->next;
	*w = (struct waiter){ NULL };
}

/* ---- who gets a connection ---- */

/*
 * A program computes a number from the packet, compares, and returns a place in the group. There is no packet
 * here: the number is chance, and the comparisons are made.
 */
static unsigned run_program(const struct reuseport *g)
{
	uint32_t number = (uint32_t)chance_bits();

	for (unsigned at = 0; at < g->n_code; at++) {
		const struct sock_filter *code = &g->code[at];

		if (code->code == (BPF_JMP | BPF_JGE | BPF_K))
			at += number >= code->k ? code->jt : code->jf;
		else if (code->code == (BPF_RET | BPF_K))
			return code->k;
	}
	broken("a program without an end");
}

static struct socket *choose_member(void)
{
	const struct reuseport *g = &world.group;
	unsigned place = g->n_code > 0 ? run_program(g) : g->n;

	holds(g->n_code == 0 || place < g->n || chance_possible(FAULT_NO_PROGRAM) || !world.crew ||
	      world.crew->stopping,
	      "a program chooses place %u in a group of %u", place, g->n);	/* the hash does then */
	return place < g->n ? g->members[place] : g->members[chance_below(g->n)];
}

static struct socket *choose_listener(uint16_t port)
{
	if (world.group.n > 0)
		return choose_member();
	list_each(link, tmp, &world.files) {
		struct file *f = container_of(link, struct file, link);
		struct socket *s = (struct socket *)f;

		if (f->kind == FILE_SOCKET && s->listening && s->port == port)
			return s;
	}
	return NULL;
}

static unsigned some_room(void)
{
	return chance_one_in(3) ? ROOM_MOST : 64 + (unsigned)chance_below(1000);
}

int tcp_connect(struct client *client, uint16_t port, unsigned room, struct connection **ret_connection)
{
	struct socket *s = choose_listener(port);
	struct connection *c;

	if (!s)
		return -ECONNREFUSED;
	if (s->refuses)
		return -EAGAIN;
	c = world_alloc(sizeof(*c));
	c->client = client;
	c->n_sides = 2;
	c->listener = s;
	c->halves[OURS].room = some_room();
	c->halves[THEIRS].room = room;
	*s->last = c;
	s->last = &c->next;
	s->n_queued++;
	wake_one(s);
	trace("connects", s->file.number, s->n_queued, 0);
	*ret_connection = c;
	return 0;
}

void socket_shut(struct socket *s)
{
	leave_group(s);
	s->file.owner = world.current;
	s->listening = false;
	reset_queue(s);
	wake_one(s);
}

static int set_program(struct socket *s, const struct sock_fprog *program)
{
	struct reuseport *g = &world.group;

	if (!s->reuseport || chance_of(FAULT_NO_PROGRAM)) {
		errno = s->reuseport ? ENOMEM : EINVAL;
		return -1;
	}
	holds(program->len <= PROGRAM_MOST, "a program of %u instructions", program->len);
	memcpy(g->code, program->filter, program->len * sizeof(g->code[0]));
	g->n_code = program->len;
	trace("steers", g->n, g->n_code, 0);
	return 0;
}

int socket_set(struct socket *s, int option, const void *value)
{
	switch (option) {
	case SO_REUSEPORT:
		s->reuseport = true;
		break;
	case SO_ATTACH_FILTER:
		s->refuses = true;
		break;
	case SO_ATTACH_REUSEPORT_CBPF:
		return set_program(s, value);
	case SO_DETACH_REUSEPORT_BPF:
		world.group.n_code = 0;
		trace("steers no more", world.group.n, 0, 0);
		break;
	}
	return 0;
}

/* ---- calls ---- */

CALL(int, socket, int family, int type, int protocol)
{
	struct socket *s;
	int fd;

	if (family != AF_INET) {	/* no netlink here: handshakes are waited for blindly */
		errno = EACCES;
		return -1;
	}
	s = file_create(sizeof(*s), FILE_SOCKET, &socket_ops);
	s->last = &s->first;
	file_take(&s->file);
	fd = file_install(world.current, &s->file);
	file_drop(&s->file);
	return fd;
}

CALL(int, bind, int fd, const struct sockaddr *address, socklen_t len)
{
	struct socket *s = file_get(fd, FILE_SOCKET);

	if (world.crew && chance_of(FAULT_BIND_FAILED)) {
		errno = EADDRINUSE;
		return -1;
	}
	if (!s)
		return -1;
	s->port = ntohs(((const struct sockaddr_in *)address)->sin_port);
	return 0;
}

CALL(int, listen, int fd, int backlog)
{
	struct socket *s = file_get(fd, FILE_SOCKET);

	if (!s || s->port == 0 || (world.crew && world.crew->was_ready && chance_of(FAULT_LISTEN_FAILED))) {
		errno = s ? EADDRINUSE : EINVAL;
		return -1;
	}
	trace("listens", s->file.number, s->port, 0);
	if (!s->listening && s->reuseport) {
		holds(world.group.n < GROUP_MOST, "a group of over %d", GROUP_MOST);
		world.group.members[world.group.n++] = s;
	}
	s->listening = true;
	return 0;
}

static int refuse_accept(void)
{
	static const int scarce[] = { EMFILE, ENFILE, ENOMEM, ENOBUFS };

	if (chance_of(FAULT_ACCEPT_SCARCE))
		return scarce[chance_below(4)];
	return 0;
}

CALL(int, accept4, int fd, struct sockaddr *address, socklen_t *len, int flags)
{
	struct socket *s = file_get(fd, FILE_SOCKET);
	struct stream *stream;
	int ours;

	errno = !s || !s->listening ? EINVAL : s->n_queued == 0 ? EAGAIN : refuse_accept();
	if (errno != 0)
		return -1;
	stream = stream_create(take_queued(s));
	file_take(&stream->file);
	stream->connection->spoiled |= chance_of(FAULT_ACCEPT_ABORTED);
	ours = stream->connection->spoiled ? -1 : file_install(world.current, &stream->file);
	if (stream->connection->spoiled)
		errno = ECONNABORTED;
	else
		holds(ours >= 0, "no descriptor for a connection");
	trace("accepts", s->file.number, stream->file.number, 0);
	file_drop(&stream->file);
	return ours;
}

CALL(int, getsockname, int fd, struct sockaddr *address, socklen_t *len)
{
	const struct socket *s = file_get(fd, FILE_SOCKET);
	struct sockaddr_in bound = { .sin_family = AF_INET, .sin_port = s ? htons(s->port) : 0 };

	if (!s)
		return -1;
	bound.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	memcpy(address, &bound, sizeof(bound));
	*len = sizeof(bound);
	return 0;
}
