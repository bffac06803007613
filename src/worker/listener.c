/* SPDX-License-Identifier: MIT */
/*
 * listener - what connections come from
 *
 * reuseport: each worker has its own SO_REUSEPORT socket per address. It binds early and gives the parent a
 * duplicate when it could serve; the parent listens, so that it knows the order of the group, and keeps the
 * duplicate: while anyone holds it, no queued connection is lost by our death, and our replacement goes on with
 * the same queue.
 *
 * preemptive, and a UNIX socket under reuseport: all workers wait for one socket, and an arrival wakes one of them.
 * Who is woken owes it a look, even when leaving: nobody else will be woken for that connection.
 *
 * round-robin: the parent hands connections out through a queue, which ends when there will be no more.
 *
 * Under each there is an inbox as well, such a queue too, for what siblings give away.
 *
 * Each is polled, and taken from in user code: an accept request armed in the kernel would take connections
 * on behalf of a process that is already dying. It is polled for one event at a time, because while we are at
 * work, arrivals need not interrupt us, and because what is left in a queue is told when we wait again: no call
 * is spent on finding it empty.
 */
#include "worker/room.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static struct tag tag_of(const struct worker *w, const struct listener *l)
{
	return (struct tag){ OWNER_LISTENER, l->generation, (uint32_t)(l - w->listeners) };
}

static struct listener *free_place(struct worker *w)
{
	for (unsigned i = 0; i < LISTENERS_HELD_MAX; i++)
		if (w->listeners[i].fd < 0)
			return &w->listeners[i];
	return NULL;
}

static void hold(struct listener *l, enum listener_kind kind, int fd, unsigned slot, unsigned index)
{
	*l = (struct listener){
		.fd = fd, .kind = kind, .slot = slot, .index = index,
		.generation = (uint16_t)(l->generation + 1),
	};
}

static void open_queues(struct worker *w)
{
	const struct heritage *h = w->heritage;

	if (h->queue_fd >= 0)
		hold(&w->listeners[LISTENERS_MAX], LISTENER_QUEUE, h->queue_fd, h->slot, LISTENERS_MAX);
	if (h->inbox_fd >= 0)
		hold(&w->listeners[LISTENERS_MAX + 1], LISTENER_INBOX, h->inbox_fd, h->slot, LISTENERS_MAX);
}

static enum listener_kind kind_of(const struct config *config, unsigned index)
{
	if (config_is_datagram(config, index))
		return LISTENER_DATAGRAM;
	return config_is_shared(config, index) ? LISTENER_SHARED : LISTENER_OWN;
}

int listeners_open(struct worker *w, char *why, size_t size)
{
	open_queues(w);
	for (unsigned i = 0; i < w->config->n_listeners; i++) {
		int fd = w->heritage->listen_fd[i];
		bool opened = fd < 0;
		char text[ADDRESS_TEXT_BYTES];

		if (w->config->options.model == BROOD_ROUND_ROBIN && !config_is_shared(w->config, i))
			continue;	/* the parent's alone */

		if (opened)
			fd = address_bind(&w->config->listen[i], true);
		if (fd < 0) {
			address_format(&w->config->listen[i], text);
			snprintf(why, size, "cannot listen on %s: %s", text, strerror(-fd));
			return fd;
		}
		hold(&w->listeners[i], kind_of(w->config, i), fd, w->heritage->slot, i);
		w->listeners[i].opened = opened;
		if (w->listeners[i].kind == LISTENER_DATAGRAM)
			datagrams_start(&w->listeners[i]);
	}
	return 0;
}

void listeners_offer(struct worker *w)
{
	for (unsigned i = 0; i < LISTENERS_HELD_MAX; i++) {
		struct listener *l = &w->listeners[i];
		struct listener_msg message = { .index = l->index };

		if (l->fd >= 0 && l->opened)
			message_send(w, CHANNEL_LISTENER, &message, l->fd);
	}
}

void listener_wake(struct worker *w, struct listener *l)
{
	l->readable = true;
	w->accept_due = true;
}

void listeners_wake(struct worker *w)
{
	for (unsigned i = 0; i < LISTENERS_HELD_MAX; i++)
		if (w->listeners[i].fd >= 0 && !w->listeners[i].closing)
			listener_wake(w, &w->listeners[i]);
}

static bool competes(const struct worker *w, const struct listener *l)
{
	return l->kind == LISTENER_SHARED ||
	       (l->kind == LISTENER_DATAGRAM && config_is_shared(w->config, l->index));
}

void listener_wait(struct worker *w, struct listener *l)
{
	l->readable = false;
	if (l->polling)
		return;
	l->polling = true;
	engine_poll_once(w->engine, l->fd, tag_of(w, l), competes(w, l));
}

void listeners_poll(struct worker *w)
{
	for (unsigned i = 0; i < LISTENERS_HELD_MAX; i++)
		if (w->listeners[i].fd >= 0)
			listener_wait(w, &w->listeners[i]);
}

void listener_borrow(struct worker *w, int fd, unsigned slot, unsigned index)
{
	struct listener *l = w->drain.on && !drain_is_last(w, index) ? NULL : free_place(w);

	if (!l) {
		close(fd);
		return;
	}
	hold(l, kind_of(w->config, index), fd, slot, index);
	if (w->drain.on && config_has_handshakes(w->config, index))
		handshakes_refuse(l->fd);
	listener_wait(w, l);
}

void listener_return(struct worker *w, unsigned slot, unsigned index)
{
	for (unsigned i = 0; i < LISTENERS_HELD_MAX; i++) {
		struct listener *l = &w->listeners[i];

		if (l->fd >= 0 && l->slot == slot && l->index == index && slot != w->heritage->slot)
			listener_close(w, l);
	}
}

static void let_go(struct worker *w, struct listener *l)
{
	if (l->kind == LISTENER_SHARED && !w->drain.cut)	/* it may have been woken for somebody */
		accept_all(w, l);
	else if (l->kind == LISTENER_DATAGRAM && !w->drain.cut)
		datagrams_receive(w, l);
	close(l->fd);
	l->fd = -1;
}

void listener_close(struct worker *w, struct listener *l)
{
	if (l->closing)
		return;
	l->closing = true;
	l->readable = false;
	engine_poll_stop(w->engine, l->fd, tag_of(w, l));	/* it may still be watched after its event */
	if (!l->polling)
		let_go(w, l);
}

void listener_on_poll(struct worker *w, const struct completion *completion)
{
	struct listener *l = &w->listeners[completion->tag.index];

	if (l->fd < 0 || l->generation != completion->tag.generation)
		return;
	l->polling = false;
	if (l->closing) {
		let_go(w, l);
		return;
	}
	if (completion->res < 0)	/* it could not be watched */
		accept_pause(w, -completion->res);
	listener_wake(w, l);
}

bool listeners_closed(const struct worker *w)
{
	for (unsigned i = 0; i < LISTENERS_HELD_MAX; i++)
		if (w->listeners[i].fd >= 0)
			return false;
	return true;
}
