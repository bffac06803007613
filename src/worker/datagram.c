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
#include "worker/room.h"

#include "bridge/config.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#define BATCH		32	/* datagrams a system call */
#define BATCHES_A_TURN	8
#define BYTES_MOST	65536
#define LOOK_MS		100	/* between two looks at what was dropped */
#define CONTROL_BYTES	CMSG_SPACE(sizeof(struct in6_pktinfo))

struct flow {
	struct mmsghdr	headers[BATCH];
	struct iovec	iov[BATCH];
	struct address	peers[BATCH];
	char		control[BATCH][CONTROL_BYTES] __attribute__((aligned(8)));
	char		*bytes;		/* BYTES_MOST each; taken as they are used */
};

struct datagrams {
	struct flow	in, out;
	unsigned	n_out;
	int		fd;		/* of the batch that is being handled */
	uint64_t	look_ms;	/* at what was dropped, next */
};

struct brood_datagram {
	struct worker		*worker;
	const struct listener	*listener;
	unsigned		 n;	/* of the batch */
	size_t			 len;
};

static bool flow_init(struct flow *flow)
{
	flow->bytes = malloc((size_t)BATCH * BYTES_MOST);
	for (unsigned i = 0; flow->bytes && i < BATCH; i++) {
		flow->iov[i] = (struct iovec){ flow->bytes + (size_t)i * BYTES_MOST, BYTES_MOST };
		flow->headers[i].msg_hdr = (struct msghdr){
			.msg_name = &flow->peers[i].any, .msg_iov = &flow->iov[i], .msg_iovlen = 1,
			.msg_control = flow->control[i],
		};
	}
	return flow->bytes;
}

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
}

/* ---- sending ---- */

/* Those the kernel refuses are lost, as any datagram may be. */
static void flush(struct worker *w)
{
	struct datagrams *d = w->datagrams;
	unsigned done = 0;

	while (done < d->n_out) {
		int n = sendmmsg(d->fd, d->out.headers + done, d->n_out - done, MSG_NOSIGNAL);

		w->n_datagrams_sent += n > 0 ? (uint64_t)n : 0;
		w->n_datagrams_dropped += n <= 0;
		done += n > 0 ? (unsigned)n : 1;
	}
	d->n_out = 0;
}

/* Where it was sent to is where the reply comes from; by whichever way leads there. */
static void reply_from(const struct msghdr *in, struct msghdr *out)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(in);

	out->msg_controllen = 0;
	if (!c || in->msg_controllen > CONTROL_BYTES)
		return;
	memcpy(out->msg_control, in->msg_control, in->msg_controllen);
	out->msg_controllen = in->msg_controllen;
	c = CMSG_FIRSTHDR(out);
	if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO)
		((struct in_pktinfo *)CMSG_DATA(c))->ipi_ifindex = 0;
	else if (!IN6_IS_ADDR_LINKLOCAL(&((struct in6_pktinfo *)CMSG_DATA(c))->ipi6_addr))
		((struct in6_pktinfo *)CMSG_DATA(c))->ipi6_ifindex = 0;
}

int brood_datagram_reply(struct brood_datagram *datagram, const void *data, size_t len)
{
	struct worker *w = datagram->worker;
	struct datagrams *d = w->datagrams;
	const struct msghdr *in = &d->in.headers[datagram->n].msg_hdr;
	struct msghdr *out;

	if (len > BYTES_MOST - 1)
		return -EMSGSIZE;
	if (d->n_out == BATCH)
		flush(w);
	out = &d->out.headers[d->n_out].msg_hdr;
	memcpy(&d->out.peers[d->n_out], in->msg_name, in->msg_namelen);
	out->msg_namelen = in->msg_namelen;
	reply_from(in, out);
	if (len > 0)
		memcpy(d->out.iov[d->n_out].iov_base, data, len);
	d->out.iov[d->n_out].iov_len = len;
	d->n_out++;
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

	service->fn(g, g->worker->datagrams->in.iov[g->n].iov_base, g->len, service->arg);
}

static void prepare(struct flow *in)
{
	for (unsigned i = 0; i < BATCH; i++) {
		in->headers[i].msg_hdr.msg_namelen = sizeof(in->peers[i].v6);
		in->headers[i].msg_hdr.msg_controllen = CONTROL_BYTES;
	}
}

/* Return: whether there may be more. */
static bool receive_batch(struct worker *w, const struct listener *l)
{
	struct datagrams *d = w->datagrams;
	int n;

	prepare(&d->in);
	n = recvmmsg(l->fd, d->in.headers, BATCH, MSG_DONTWAIT, NULL);
	d->fd = l->fd;
	for (int i = 0; i < n; i++) {
		struct brood_datagram g = { w, l, (unsigned)i, d->in.headers[i].msg_len };

		w->n_datagrams++;
		(void)call_plain(&w->conns, handle, &g);	/* a fault costs the rest of its handling */
	}
	flush(w);
	return n == BATCH;
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
