/* SPDX-License-Identifier: MIT */
/*
 * datagram - what comes to addresses of datagrams, and what is said to it
 *
 * reuseport: each slot has a socket of its own, made by the parent. Else all workers wait for the one socket of an
 * address, and an arrival wakes one of them, as with a shared listener. Who is woken takes what there is, a batch
 * a system call; replies are copied, and leave together, from the address that was asked. The sockets are the
 * parent's as well, so what waits in one outlives whoever was to read it.
 *
 * What the kernel dropped, because a queue was full, is asked for now and then while datagrams come, by the one
 * worker whose socket it is.
 *
 * Fails by: replies that cannot be sent at once; they are dropped, and counted. What the kernel drops while a slot
 * has no worker is not.
 */
#include "worker/flow.h"
#include "worker/room.h"

#include "bridge/config.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <stdlib.h>
#include <sys/socket.h>

#define BATCHES_A_TURN	8
#define LOOK_MS		100	/* between two looks at what was dropped */

struct datagrams {
	struct flow	in, out;
	int		fd;		/* of the batch that is being handled */
	uint64_t	look_ms;	/* at what was dropped, next */
};

struct brood_datagram {
	struct worker		*worker;
	const struct listener	*listener;
	unsigned		 n;	/* of the batch: the buffer it is in */
	const char		*data;
	size_t			 len;
};

int datagrams_create(struct worker *w)
{
	struct datagrams *d;

	if (config_n_speaking(w->config, PROTOCOL_DATAGRAM) == 0)
		return 0;
	d = calloc(1, sizeof(*d));
	w->datagrams = d;
	return d && flow_init(&d->in) && flow_init(&d->out) ? 0 : -ENOMEM;
}

/* ---- what never came ---- */

/* Of one that all share, the worker of the first slot speaks. */
static bool is_counted_here(const struct worker *w, const struct listener *l)
{
	return l->slot == w->heritage->slot && (!config_is_shared(w->config, l->index) || w->heritage->slot == 0);
}

/* Since the socket was made; it wraps. */
static uint32_t n_dropped(int fd)
{
	uint32_t meminfo[SK_MEMINFO_VARS] = { 0 };
	socklen_t len = sizeof(meminfo);

	return getsockopt(fd, SOL_SOCKET, SO_MEMINFO, meminfo, &len) == 0 ? meminfo[SK_MEMINFO_DROPS] : 0;
}

static void look_at_drops(struct worker *w)
{
	w->datagrams->look_ms = w->engine->now_ms + LOOK_MS;
	for (unsigned i = 0; i < w->config->n_listeners; i++) {
		struct listener *l = &w->listeners[i];
		uint32_t n;

		if (l->fd < 0 || l->kind != LISTENER_DATAGRAM || !is_counted_here(w, l))
			continue;
		n = n_dropped(l->fd);
		w->n_datagrams_lost += (uint32_t)(n - l->n_dropped);
		l->n_dropped = n;
	}
}

void datagrams_start(struct listener *l)
{
	l->n_dropped = n_dropped(l->fd);
	flow_gather(l->fd);
}

/* ---- sending ---- */

static void flush(struct worker *w)
{
	struct datagrams *d = w->datagrams;

	flow_send(&d->out, d->fd, &w->n_datagrams_sent, &w->n_datagrams_dropped);
}

int brood_datagram_reply(struct brood_datagram *datagram, const void *data, size_t len)
{
	struct datagrams *d = datagram->worker->datagrams;

	if (len > FLOW_BYTES - 1)
		return -EMSGSIZE;
	if (d->out.n == FLOW_MOST)
		flush(datagram->worker);
	flow_reply(&d->out, &d->in, datagram->n, data, len);
	return 0;
}

/* Return: the socket, -EINVAL, or -EPIPE. */
static int socket_of(const struct worker *w, unsigned index)
{
	if (!w || index >= w->config->n_listeners || !config_is_datagram(w->config, index))
		return -EINVAL;
	return w->listeners[index].fd >= 0 ? w->listeners[index].fd : -EPIPE;
}

int brood_datagram_send(unsigned listener, const char *to, const void *data, size_t len)
{
	struct worker *w = self_get();
	struct address address;
	int fd = socket_of(w, listener);
	int r;

	if (fd < 0)
		return fd;
	if (to[0] == ':' || address_parse(to, &address) < 0 || address_port(&address) == 0)
		return -EINVAL;
	r = sendto(fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL, &address.any, address.len) < 0 ? -errno : 0;
	w->n_datagrams_sent += r == 0;
	w->n_datagrams_dropped += r == -EAGAIN || r == -ENOBUFS;
	return r;
}

void brood_datagram_peer(const struct brood_datagram *datagram, char ret_peer[BROOD_PEER_BYTES])
{
	struct address peer = datagram->worker->datagrams->in.peers[datagram->n];

	address_unmap(&peer);
	address_format(&peer, ret_peer);
}

unsigned brood_datagram_listener(const struct brood_datagram *datagram)
{
	return datagram->listener->index;
}

/* ---- receiving ---- */

static void handle(void *arg)
{
	struct brood_datagram *g = arg;
	const struct datagram_service *service = &g->worker->datagram_services[g->listener->index];

	service->fn(g, g->data, g->len, service->arg);
}

/* Each of those that came together. */
static void handle_all(struct worker *w, const struct listener *l, unsigned n)
{
	const struct flow *in = &w->datagrams->in;
	const char *data = in->iov[n].iov_base;
	size_t left = in->headers[n].msg_len, piece = flow_piece(in, n);

	do {
		struct brood_datagram g = { w, l, n, data, left < piece ? left : piece };

		w->n_datagrams++;
		(void)call_plain(&w->conns, handle, &g);	/* a fault costs the rest of its handling */
		data += g.len;
		left -= g.len;
	} while (left > 0);
}

/* Return: whether there may be more. */
static bool receive_batch(struct worker *w, const struct listener *l)
{
	struct datagrams *d = w->datagrams;
	int n = flow_receive(&d->in, l->fd);

	d->fd = l->fd;
	for (int i = 0; i < n; i++)
		handle_all(w, l, (unsigned)i);
	flush(w);
	return n == FLOW_MOST;
}

void datagrams_receive(struct worker *w, struct listener *l)
{
	bool more = true;

	for (int i = 0; i < BATCHES_A_TURN && more; i++)
		more = receive_batch(w, l);
	if (w->engine->now_ms >= w->datagrams->look_ms)
		look_at_drops(w);
	l->readable = more;
	if (!more && !l->closing)
		listener_wait(w, l);
}
