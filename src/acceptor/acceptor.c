/* SPDX-License-Identifier: MIT */
#include "acceptor/room.h"

#include "base/log.h"
#include "base/must.h"
#include "base/scarce.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAUSE_MS 100
#define HANDSHAKES_MS 1000	/* for those begun, before the end */

static void set_watching(struct acceptor *a, bool watching)
{
	if (a->watching == watching)
		return;
	a->watching = watching;
	for (unsigned i = 0; i < a->config->n_listeners; i++) {
		struct epoll_event event = {
			.events = watching ? EPOLLIN : 0, .data.u64 = a->place.tag + i,
		};

		if (a->listen_fd[i] >= 0)
			must(epoll_ctl(a->place.epoll_fd, EPOLL_CTL_MOD, a->listen_fd[i], &event) == 0);
	}
}

void acceptor_pause(struct acceptor *a, int error)
{
	a->again_ms = a->place.now_ms + PAUSE_MS;
	a->counters.paused++;
	if (!a->complained)
		log_warn("acceptor: pauses: %s; connections wait in the kernel's queue", strerror(error));
	a->complained = true;
}

static void note_recovery(struct acceptor *a)
{
	if (a->complained)
		log_info("acceptor: goes on");
	a->complained = false;
}

/* Who comes to the admin address takes nobody's turn, if there is any way. */
static void keep(struct acceptor *a, unsigned index, int fd)
{
	if (!config_is_admin(a->config, index) || !deal_apart(a, fd))
		a->pending[a->n_pending++] = fd;
	a->counters.accepted++;
}

/* Return: whether more may wait. */
static bool accept_batch(struct acceptor *a, unsigned index)
{
	for (unsigned i = 0; i < BATCH && a->n_pending < BATCH; i++) {
		int fd = accept4(a->listen_fd[index], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			note_recovery(a);
			if (a->stopping)
				handshakes_admit(fd);
			keep(a, index, fd);
		} else if (errno == EAGAIN) {
			return false;
		} else if (is_scarce(errno)) {
			acceptor_pause(a, errno);
			return false;
		}	/* else that connection failed in the queue (ECONNABORTED): the next one */
	}
	return true;
}

void acceptor_step(struct acceptor *a)
{
	bool more;

	do {
		more = deal_back(a);
		deal_out(a);
	} while (more && a->n_pending == 0 && a->again_ms == 0);
	set_watching(a, a->listening && a->n_pending == 0 && a->again_ms == 0);
}

void on_acceptor(struct acceptor *a, unsigned number, uint64_t now_ms)
{
	a->place.now_ms = now_ms;
	if (number >= LISTENERS_MAX)
		queue_set_full(a, &a->queues[number - LISTENERS_MAX], false);
	else if (a->watching && a->listen_fd[number] >= 0)
		accept_batch(a, number);
	acceptor_step(a);
}

/* ---- life ---- */

/* Not before: a socket that does not listen yet is always ready, to fail. */
static int watch_listener(struct acceptor *a, unsigned index)
{
	struct epoll_event event = { .events = 0, .data.u64 = a->place.tag + index };

	if (a->listen_fd[index] < 0)	/* of datagrams */
		return 0;
	if (listen(a->listen_fd[index], config_shared_backlog(a->config, a->n_queues)) < 0 ||
	    epoll_ctl(a->place.epoll_fd, EPOLL_CTL_ADD, a->listen_fd[index], &event) < 0)
		return -errno;
	return 0;
}

int acceptor_begin(struct acceptor *a)
{
	int r = 0;

	for (unsigned i = 0; i < a->config->n_listeners && r == 0; i++)
		r = watch_listener(a, i);
	a->listening = r == 0;
	return r;
}

void acceptor_hold(struct acceptor *a)
{
	a->held = true;
}

int acceptor_release(struct acceptor *a, uint64_t now_ms)
{
	int r = 0;

	a->held = false;
	a->place.now_ms = now_ms;
	if (!a->listening && !a->stopping && queues_read(a))
		r = acceptor_begin(a);
	acceptor_step(a);
	return r;
}

int acceptor_resize(struct acceptor *a, unsigned n_slots, uint64_t now_ms)
{
	int r = queues_resize(a, n_slots);

	a->place.now_ms = now_ms;
	a->next %= a->n_queues;
	for (unsigned i = 0; i < a->config->n_listeners && r == 0 && a->listening; i++)
		if (a->listen_fd[i] >= 0)
			r = listen(a->listen_fd[i], config_shared_backlog(a->config, a->n_queues)) < 0 ? -errno : 0;
	return r;
}

/* Out of the set first: one that another process holds as well would stay in it. */
static void close_listener(struct acceptor *a, unsigned index)
{
	if (a->listen_fd[index] < 0)
		return;
	/* it may not be in it yet */
	(void)epoll_ctl(a->place.epoll_fd, EPOLL_CTL_DEL, a->listen_fd[index], NULL);
	close(a->listen_fd[index]);
	a->listen_fd[index] = -1;
}

static void close_listeners(struct acceptor *a)
{
	a->listening = a->watching = false;
	for (unsigned i = 0; i < a->config->n_listeners; i++)
		close_listener(a, i);
}

int acceptor_create(const struct config *config, struct acceptor_place place, const int listen_fd[],
		    struct acceptor **ret_acceptor)
{
	struct acceptor *a = calloc(1, sizeof(*a));
	int r;

	if (!a) {
		for (unsigned i = 0; i < config->n_listeners; i++)
			close(listen_fd[i]);
		return -ENOMEM;
	}
	a->config = config;
	a->place = place;
	a->next = 1 % config->options.workers;		/* connection i goes to worker (i + 1) mod n */
	memcpy(a->listen_fd, listen_fd, config->n_listeners * sizeof(int));
	r = queues_create(a);
	if (r < 0) {
		acceptor_destroy(a);
		return r;
	}
	*ret_acceptor = a;
	return 0;
}

unsigned acceptor_destroy(struct acceptor *a)
{
	unsigned n;

	if (!a)
		return 0;
	close_listeners(a);
	n = a->n_pending + queues_destroy(a);
	for (unsigned i = 0; i < a->n_pending; i++)
		close(a->pending[i]);
	free(a);
	return n;
}

const struct acceptor_counters *acceptor_counters(const struct acceptor *a)
{
	return &a->counters;
}

/* ---- time ---- */

const int *acceptor_listeners(const struct acceptor *a)
{
	return a->listen_fd;
}

void acceptor_stop(struct acceptor *a, uint32_t shared, uint64_t now_ms)
{
	a->stopping = true;
	if (!a->listening) {
		close_listeners(a);
		queues_end(a);
		return;
	}
	for (unsigned i = 0; i < a->config->n_listeners; i++)
		if (shared >> i & 1)
			close_listener(a, i);
		else if (config_has_handshakes(a->config, i))
			handshakes_refuse(a->listen_fd[i]);
	handshakes_begin(&a->handshakes, now_ms, now_ms + HANDSHAKES_MS);
}

/* Once more whatever has come since. Return: whether none is left that somebody would take. */
static bool accept_rest(struct acceptor *a)
{
	bool more = true;

	while (more && a->n_pending == 0 && a->again_ms == 0) {
		more = false;
		for (unsigned i = 0; i < a->config->n_listeners; i++)
			more |= a->listen_fd[i] >= 0 && accept_batch(a, i);
		acceptor_step(a);
	}
	return a->n_pending == 0 ? !more : !queues_read(a);
}

static void step_stop(struct acceptor *a)
{
	uint64_t now_ms = a->place.now_ms;
	uint16_t ports[LISTENERS_MAX];
	unsigned n_ports = 0;

	for (unsigned i = 0; i < a->config->n_listeners; i++)
		if (a->listen_fd[i] >= 0 && config_has_handshakes(a->config, i))
			ports[n_ports++] = address_port(&a->config->listen[i]);
	if (!handshakes_over(&a->handshakes, ports, n_ports, now_ms))
		return;
	if (accept_rest(a)) {
		close_listeners(a);
		queues_end(a);
	} else {
		/* those who read it are slow: later */
		handshakes_begin(&a->handshakes, now_ms, now_ms + HANDSHAKES_MS);
	}
}

static bool ends_soon(const struct acceptor *a)
{
	return a->stopping && a->listening;
}

uint64_t acceptor_next_ms(const struct acceptor *a)
{
	if (a->again_ms != 0 && (!ends_soon(a) || a->again_ms < a->handshakes.look_ms))
		return a->again_ms;
	return ends_soon(a) ? a->handshakes.look_ms : 0;
}

void acceptor_expire(struct acceptor *a, uint64_t now_ms)
{
	a->place.now_ms = now_ms;
	if (a->again_ms != 0 && a->again_ms <= now_ms) {
		a->again_ms = 0;
		acceptor_step(a);
	}
	if (ends_soon(a) && a->handshakes.look_ms <= now_ms)
		step_stop(a);
}
