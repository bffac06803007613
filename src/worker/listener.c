/* SPDX-License-Identifier: MIT */
/*
 * listener - the sockets connections come from
 *
 * Each worker has its own SO_REUSEPORT socket per address, bound early and listening late, so that it is
 * not in the group before it can serve. A duplicate goes to the parent at once: while anyone holds it, no
 * queued connection is lost by our death, and our replacement goes on with the same queue.
 *
 * It is polled, and accepted from in user code: an accept request armed in the kernel would take
 * connections on behalf of a process that is already dying.
 *
 * Leaving as its last holder, a listener first refuses new handshakes with a socket filter that drops
 * bare SYNs (the client's kernel tries again), lets the begun ones finish, is emptied, and closed.
 */
#include "worker/room.h"

#include <errno.h>
#include <linux/filter.h>
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

static void hold(struct listener *l, int fd, unsigned slot, unsigned index, bool opened)
{
	*l = (struct listener){
		.fd = fd, .slot = slot, .index = index, .opened = opened,
		.generation = (uint16_t)(l->generation + 1),
	};
}

int listeners_open(struct worker *w, char *why, size_t size)
{
	for (unsigned i = 0; i < w->config->n_listeners; i++) {
		int fd = w->heritage->listen_fd[i];
		bool opened = fd < 0;
		char text[ADDRESS_TEXT_BYTES];

		if (opened)
			fd = address_bind(&w->config->listen[i], true);
		if (fd < 0) {
			address_format(&w->config->listen[i], text);
			snprintf(why, size, "cannot listen on %s: %s", text, strerror(-fd));
			return fd;
		}
		hold(&w->listeners[i], fd, w->heritage->slot, i, opened);
	}
	return 0;
}

int listeners_listen(struct worker *w, char *why, size_t size)
{
	for (unsigned i = 0; i < w->config->n_listeners; i++) {
		struct listener *l = &w->listeners[i];
		struct listener_msg message = { .index = l->index };

		if (!l->opened)
			continue;
		if (listen(l->fd, (int)w->config->options.backlog) < 0) {
			int error = errno;

			snprintf(why, size, "listen: %s", strerror(error));
			return -error;
		}
		message_send(w, CHANNEL_LISTENER, &message, l->fd);
	}
	return 0;
}

void listener_wake(struct worker *w, struct listener *l)
{
	l->readable = true;
	w->accept_due = true;
}

static void start_polling(struct worker *w, struct listener *l)
{
	l->polling = true;
	listener_wake(w, l);	/* what queued up before us is accepted without waiting for an event */
	engine_poll(w->engine, l->fd, tag_of(w, l));
}

void listeners_poll(struct worker *w)
{
	for (unsigned i = 0; i < w->config->n_listeners; i++)
		start_polling(w, &w->listeners[i]);
}

void listener_borrow(struct worker *w, int fd, unsigned slot, unsigned index)
{
	struct listener *l = w->drain.on && !w->drain.last ? NULL : free_place(w);

	if (!l) {
		close(fd);
		return;
	}
	hold(l, fd, slot, index, false);
	if (w->drain.on)
		listener_refuse(l);
	start_polling(w, l);
}

void listener_return(struct worker *w, unsigned slot, unsigned index)
{
	for (unsigned i = 0; i < LISTENERS_HELD_MAX; i++) {
		struct listener *l = &w->listeners[i];

		if (l->fd >= 0 && l->slot == slot && l->index == index && slot != w->heritage->slot)
			listener_close(w, l);
	}
}

static void let_go(struct listener *l)
{
	close(l->fd);
	l->fd = -1;
}

void listener_close(struct worker *w, struct listener *l)
{
	if (l->closing)
		return;
	l->closing = true;
	l->readable = false;
	if (l->polling)
		engine_poll_stop(w->engine, l->fd, tag_of(w, l));
	else
		let_go(l);
}

void listener_on_poll(struct worker *w, const struct completion *completion)
{
	struct listener *l = &w->listeners[completion->tag.index];

	if (l->fd < 0 || l->generation != completion->tag.generation)
		return;
	l->polling = completion->more;
	if (l->closing && !l->polling) {
		let_go(l);
		return;
	}
	if (l->closing)
		return;
	listener_wake(w, l);
	if (!l->polling)	/* the kernel ended it, as it does when completions overflow */
		start_polling(w, l);
}

void listener_refuse(struct listener *l)
{
	/* At the socket the data begins with the TCP header; byte 13 holds the flags. */
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x12),		/* SYN and ACK */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x02, 0, 1),	/* SYN alone */
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	/* Should it be refused, the queue is still emptied; only handshakes within the last moment are lost. */
	(void)setsockopt(l->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

bool listeners_closed(const struct worker *w)
{
	for (unsigned i = 0; i < LISTENERS_HELD_MAX; i++)
		if (w->listeners[i].fd >= 0)
			return false;
	return true;
}
