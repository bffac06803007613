/* SPDX-License-Identifier: MIT */
/*
 * accept - connections in, one an event
 *
 * Without descriptors, or with as many connections as are allowed, accepting pauses: what waits stays in
 * the kernel's queue, where nothing is lost. It goes on when a connection has closed, or after a moment.
 *
 * An event is good for one connection: were there more, the next comes at once, and no call is spent on finding
 * the queue empty. What the parent hands out comes several in a message, and the kernel drops those there are
 * no descriptors for: so with few left, that they are there is tried first.
 */
#include "worker/room.h"

#include "base/log.h"
#include "base/scarce.h"
#include "bridge/board.h"
#include "bridge/rights.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAUSE_MS 100
#define FEW_DESCRIPTORS 1024

void accept_pause(struct worker *w, int error)
{
	w->accept_again_ms = w->engine->now_ms + PAUSE_MS;
	w->n_accept_paused++;
	if (w->accept_paused)
		return;
	w->accept_paused = true;
	log_warn("worker %u (pid %d): accepting pauses: %s; %u connections are open, the rest waits",
		 w->heritage->slot, (int)getpid(), strerror(error), w->conns.n_open);
}

static void note_recovery(struct worker *w)
{
	if (!w->accept_paused)
		return;
	w->accept_paused = false;
	log_info("worker %u (pid %d): accepting again", w->heritage->slot, (int)getpid());
}

/* Some of those in use belong to connections that are being closed: they are not to be counted, but seen. */
static bool has_room_for_message(const struct worker *w)
{
	int tried[HANDOFF_MOST];
	int n = 0;

	if (w->n_descriptors > FEW_DESCRIPTORS && w->conns.n_open < w->n_descriptors / 2)
		return true;
	while (n < HANDOFF_MOST && (tried[n] = dup(w->heritage->channel_fd)) >= 0)
		n++;
	for (int i = 0; i < n; i++)
		close(tried[i]);
	return n == HANDOFF_MOST;
}

static int refill(struct worker *w, const struct listener *l)
{
	unsigned n_lost = 0;
	int n = has_room_for_message(w) ? handoff_take(l->fd, w->taken, &n_lost) : -EMFILE;

	if (n_lost > 0)
		log_warn("worker %u (pid %d): no descriptors for %u connections handed to it, which are lost",
			 w->heritage->slot, (int)getpid(), n_lost);
	if (n < 0)
		return n;
	w->n_taken = (unsigned)n;
	w->taken_over = l->kind == LISTENER_INBOX;
	return n > 0 ? 0 : -EMFILE;
}

static bool is_queue(const struct listener *l)
{
	return l->kind == LISTENER_QUEUE || l->kind == LISTENER_INBOX;
}

/* Return: the next connection, or -errno; -EPIPE = there will be no more. */
static int take(struct worker *w, const struct listener *l)
{
	int fd, r;

	if (!is_queue(l)) {
		fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0 && w->drain.on)
			handshakes_admit(fd);
		return fd < 0 ? -errno : fd;
	}
	r = w->n_taken > 0 ? 0 : refill(w, l);
	return r < 0 ? r : w->taken[--w->n_taken];
}

static bool is_pausing(const struct worker *w)
{
	return w->accept_paused && w->engine->now_ms < w->accept_again_ms;
}

/* For who asks after the pool there is always, or the end of his connection. */
static bool has_room(const struct worker *w, const struct listener *l)
{
	return !is_pausing(w) && (config_is_admin(w->config, l->index) || !conn_table_full(&w->conns));
}

/* Once, until it sleeps again. */
static void wake_parent(const struct worker *w)
{
	static const uint64_t one = 1;
	struct board *board = w->heritage->board;

	if (w->heritage->wake_fd >= 0 && atomic_load_explicit(&board->watched, memory_order_relaxed) == 0 &&
	    atomic_exchange(&board->watched, 1) == 0)
		(void)!write(w->heritage->wake_fd, &one, sizeof(one));	/* fails only if it was told too often */
}

/* Of one that came by a queue only the kernel knows where it was accepted. */
static unsigned index_of(const struct worker *w, int fd)
{
	struct address local = { .len = sizeof(local.un) };
	bool plain = w->config->admins == 0 && config_n_speaking(w->config, PROTOCOL_STREAM) == 0;

	if (plain || getsockname(fd, &local.any, &local.len) < 0)
		return 0;
	for (unsigned i = 0; i < w->config->n_listeners; i++)
		if (!config_is_datagram(w->config, i) && address_overlaps(&local, &w->config->listen[i]))
			return i;
	return 0;
}

/* Return: 0 or -errno. */
static int open_new(struct worker *w, int fd, unsigned index)
{
	if (config_is_admin(w->config, index))
		return conn_open_admin(&w->conns, fd, false);
	if (w->config->protocol[index] == PROTOCOL_STREAM)
		return conn_open_stream(&w->conns, fd, &w->streams[index], index);
	return conn_open(&w->conns, fd);
}

void accept_adopt(struct worker *w, int fd)
{
	if (config_is_admin(w->config, index_of(w, fd)))
		(void)conn_open_admin(&w->conns, fd, true);
	else
		(void)conn_adopt(&w->conns, fd);
}

static void open_taken_one(struct worker *w, int fd)
{
	if (w->taken_over && !shed_is_connection(fd))
		rights_discard(fd);
	else if (w->taken_over)
		accept_adopt(w, fd);
	else
		(void)open_new(w, fd, index_of(w, fd));
}

static void open_accepted(struct worker *w, const struct listener *l, int fd)
{
	if (open_new(w, fd, l->index) == 0 && l->slot != w->heritage->slot && !config_is_admin(w->config, l->index))
		w->n_borrowed++;
}

/* Return: whether there may be more. */
static bool accept_one(struct worker *w, struct listener *l)
{
	int fd = take(w, l);

	if (fd == -EAGAIN)
		return false;
	if (fd == -EPIPE || fd == -EINVAL) {	/* EINVAL: it does not listen, yet or any more */
		listener_close(w, l);
		return false;
	}
	if (is_scarce(-fd)) {
		accept_pause(w, -fd);
		return false;
	}
	if (fd >= 0) {
		note_recovery(w);
		if (is_queue(l))
			open_taken_one(w, fd);
		else
			open_accepted(w, l, fd);
		if (!config_is_admin(w->config, l->index))
			wake_parent(w);
	}	/* else that connection failed in the queue (ECONNABORTED and its like): the next one */
	return true;
}

/* What has come in one message. */
static void open_taken(struct worker *w)
{
	while (w->n_taken > 0 && !conn_table_full(&w->conns))
		open_taken_one(w, w->taken[--w->n_taken]);
}

/* After its event. */
static void accept_next(struct worker *w, struct listener *l)
{
	accept_one(w, l);
	open_taken(w);
	if (has_room(w, l) && l->fd >= 0 && !l->closing)
		listener_wait(w, l);
}

/* Without an event. */
static void look(struct worker *w, struct listener *l)
{
	for (int i = 0; i < ACCEPT_BATCH && has_room(w, l) && l->readable; i++)
		l->readable = accept_one(w, l) || is_pausing(w);
}

void accept_all(struct worker *w, struct listener *l)
{
	l->readable = true;
	look(w, l);
	l->readable = false;
}

void accept_step(struct worker *w)
{
	if (!w->accept_due || is_pausing(w))
		return;
	open_taken(w);
	w->accept_due = w->n_taken > 0;
	for (unsigned i = 0; i < LISTENERS_HELD_MAX; i++) {
		struct listener *l = &w->listeners[i];

		if (l->fd >= 0 && l->readable && l->kind == LISTENER_DATAGRAM)
			datagrams_receive(w, l);
		else if (l->fd >= 0 && l->readable && l->polling)
			look(w, l);
		else if (l->fd >= 0 && l->readable && has_room(w, l))
			accept_next(w, l);
		w->accept_due |= l->fd >= 0 && l->readable;
	}
	w->accept_due |= w->n_taken > 0;
}

uint64_t accept_next_ms(const struct worker *w)
{
	if (!w->accept_due || conn_table_full(&w->conns))
		return ENGINE_NEVER;	/* full: a connection that closes turns the loop */
	return w->accept_paused ? w->accept_again_ms : 0;
}
