/* SPDX-License-Identifier: MIT */
/*
 * accept - connections in, a bounded batch a turn
 *
 * Without descriptors, or with as many connections as are allowed, accepting pauses: what waits stays in
 * the kernel's queue, where nothing is lost. It goes on when a connection has closed, or after a moment.
 */
#include "worker/room.h"

#include "base/log.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAUSE_MS 100

static void pause_accepting(struct worker *w, int error)
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

static bool out_of_resources(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static void accept_batch(struct worker *w, struct listener *l)
{
	for (int i = 0; i < ACCEPT_BATCH && !conn_table_full(&w->conns); i++) {
		int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			note_recovery(w);
			conn_open(&w->conns, fd);
		} else if (errno == EAGAIN) {
			l->readable = false;
			return;
		} else if (out_of_resources(errno)) {
			pause_accepting(w, errno);
			return;
		}	/* else that connection failed in the queue (ECONNABORTED): the next one */
	}
}

void accept_step(struct worker *w)
{
	if (!w->accept_due || (w->accept_paused && w->engine->now_ms < w->accept_again_ms))
		return;
	w->accept_due = false;
	for (unsigned i = 0; i < LISTENERS_HELD_MAX; i++) {
		struct listener *l = &w->listeners[i];

		if (l->fd >= 0 && l->readable)
			accept_batch(w, l);
		w->accept_due |= l->fd >= 0 && l->readable;
	}
}

uint64_t accept_next_ms(const struct worker *w)
{
	if (!w->accept_due || conn_table_full(&w->conns))
		return ENGINE_NEVER;	/* full: a connection that closes turns the loop */
	return w->accept_paused ? w->accept_again_ms : 0;
}
