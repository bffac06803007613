/* SPDX-License-Identifier: MIT */
#include "worker/flow.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>

#define WHOLE_BYTES	65000	/* of what is to be cut */

/* What leaves as one. */
struct whole {
	unsigned first, n;
	char	 control[FLOW_CONTROL] __attribute__((aligned(8)));
};

bool flow_init(struct flow *flow)
{
	flow->cut_most = WHOLE_BYTES;
	flow->bytes = malloc((size_t)FLOW_MOST * FLOW_BYTES);
	for (unsigned i = 0; flow->bytes && i < FLOW_MOST; i++) {
		flow->iov[i] = (struct iovec){ flow->bytes + (size_t)i * FLOW_BYTES, FLOW_BYTES };
		flow->headers[i].msg_hdr = (struct msghdr){
			.msg_name = &flow->peers[i].any, .msg_iov = &flow->iov[i], .msg_iovlen = 1,
			.msg_control = flow->control[i],
		};
	}
	return flow->bytes;
}

/* ---- in ---- */

void flow_gather(int fd)
{
	const int on = 1;

	(void)setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof(on));	/* a matter of speed */
}

int flow_receive(struct flow *in, int fd)
{
	for (unsigned i = 0; i < FLOW_MOST; i++) {
		in->headers[i].msg_hdr.msg_namelen = sizeof(in->peers[i].v6);
		in->headers[i].msg_hdr.msg_controllen = FLOW_CONTROL;
	}
	return recvmmsg(fd, in->headers, FLOW_MOST, MSG_DONTWAIT, NULL);
}

/* The kernel says the size of the pieces first. */
size_t flow_piece(const struct flow *in, unsigned i)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(&in->headers[i].msg_hdr);
	size_t len = in->headers[i].msg_len;
	int piece = 0;

	if (c && c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO)
		memcpy(&piece, CMSG_DATA(c), sizeof(piece));
	return piece > 0 ? (size_t)piece : len > 0 ? len : 1;
}

/* ---- out ---- */

static const struct cmsghdr *address_asked(const struct msghdr *in)
{
	struct msghdr *h = (struct msghdr *)in;		/* CMSG_NXTHDR() wants it so, and leaves it alone */

	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c))
		if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) ||
		    (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO))
			return c;
	return NULL;
}

/* Where it was sent to is where the reply comes from; by whichever way leads there. */
static void reply_from(const struct msghdr *in, struct msghdr *out)
{
	const struct cmsghdr *asked = address_asked(in);
	struct cmsghdr *c = out->msg_control;

	out->msg_controllen = asked ? CMSG_ALIGN(asked->cmsg_len) : 0;
	if (!asked)
		return;
	memcpy(c, asked, out->msg_controllen);
	if (c->cmsg_level == IPPROTO_IP)
		((struct in_pktinfo *)CMSG_DATA(c))->ipi_ifindex = 0;
	else if (!IN6_IS_ADDR_LINKLOCAL(&((struct in6_pktinfo *)CMSG_DATA(c))->ipi6_addr))
		((struct in6_pktinfo *)CMSG_DATA(c))->ipi6_ifindex = 0;
}

void flow_reply(struct flow *out, const struct flow *in, unsigned i, const void *data, size_t len)
{
	const struct msghdr *asked = &in->headers[i].msg_hdr;
	struct msghdr *h = &out->headers[out->n].msg_hdr;

	memcpy(&out->peers[out->n], asked->msg_name, asked->msg_namelen);
	h->msg_namelen = asked->msg_namelen;
	reply_from(asked, h);
	if (len > 0)
		memcpy(out->iov[out->n].iov_base, data, len);
	out->iov[out->n].iov_len = len;
	out->n++;
}

static bool same_way(const struct msghdr *a, const struct msghdr *b)
{
	return a->msg_namelen == b->msg_namelen && a->msg_controllen == b->msg_controllen &&
	       memcmp(a->msg_name, b->msg_name, a->msg_namelen) == 0 &&
	       memcmp(a->msg_control, b->msg_control, a->msg_controllen) == 0;
}

/* How many from @first on can be one: a smaller one is the last. */
static unsigned n_alike(const struct flow *out, unsigned first)
{
	size_t len = out->iov[first].iov_len, sum = len;
	unsigned n = 1;

	if (len == 0 || len > out->cut_most)
		return 1;
	while (first + n < out->n && out->iov[first + n - 1].iov_len == len) {
		size_t next = out->iov[first + n].iov_len;

		sum += next;
		if (next == 0 || next > len || sum > WHOLE_BYTES ||
		    !same_way(&out->headers[first].msg_hdr, &out->headers[first + n].msg_hdr))
			break;
		n++;
	}
	return n;
}

static void have_it_cut(const struct flow *out, struct whole *whole, struct msghdr *header)
{
	const uint16_t len = (uint16_t)out->iov[whole->first].iov_len;
	struct cmsghdr *c = (struct cmsghdr *)(whole->control + header->msg_controllen);

	memset(whole->control, 0, sizeof(whole->control));
	memcpy(whole->control, header->msg_control, header->msg_controllen);
	*c = (struct cmsghdr){ .cmsg_level = SOL_UDP, .cmsg_type = UDP_SEGMENT, .cmsg_len = CMSG_LEN(sizeof(len)) };
	memcpy(CMSG_DATA(c), &len, sizeof(len));
	header->msg_control = whole->control;
	header->msg_controllen += CMSG_SPACE(sizeof(len));
	header->msg_iovlen = whole->n;
}

/* Return: how many leave. */
static unsigned join(const struct flow *out, struct whole wholes[], struct mmsghdr headers[])
{
	unsigned n = 0;

	for (unsigned first = 0; first < out->n; first += wholes[n++].n) {
		wholes[n].first = first;
		wholes[n].n = n_alike(out, first);
		headers[n] = out->headers[first];
		if (wholes[n].n > 1)
			have_it_cut(out, &wholes[n], &headers[n].msg_hdr);
	}
	return n;
}

/* Return: how many were given to the kernel; the first that it refuses ends it. */
static unsigned send_some(int fd, struct mmsghdr headers[], unsigned n)
{
	int r = sendmmsg(fd, headers, n, MSG_NOSIGNAL);

	if (r <= 0)
		return 0;
	return (unsigned)r < n ? (unsigned)r : n;
}

static void send_each(struct flow *out, int fd, unsigned first, unsigned n, uint64_t *n_sent, uint64_t *n_dropped)
{
	while (n > 0) {
		unsigned done = send_some(fd, out->headers + first, n);

		*n_sent += done;
		*n_dropped += done == 0;
		done += done == 0;
		first += done;
		n -= done;
	}
}

/* The way it goes, or the kernel's age, may forbid it. */
static bool is_uncut(int error)
{
	return error == EINVAL || error == EIO || error == EMSGSIZE || error == EOPNOTSUPP;
}

static void send_joined(struct flow *out, int fd, uint64_t *n_sent, uint64_t *n_dropped)
{
	struct whole wholes[FLOW_MOST];
	struct mmsghdr headers[FLOW_MOST];
	unsigned n = join(out, wholes, headers);

	for (unsigned i = 0, end; i < n; i = end) {
		end = i + send_some(fd, headers + i, n - i);
		for (unsigned k = i; k < end; k++)
			*n_sent += wholes[k].n;
		if (end > i)
			continue;	/* why the next was not sent, if it was not, is said when it is tried first */
		end = i + 1;
		if (wholes[i].n > 1 && is_uncut(errno)) {
			out->cut_most = out->iov[wholes[i].first].iov_len - 1;
			send_each(out, fd, wholes[i].first, wholes[i].n, n_sent, n_dropped);
		} else {
			*n_dropped += wholes[i].n;
		}
	}
}

static bool any_alike(const struct flow *out)
{
	for (unsigned i = 0; i + 1 < out->n; i++)
		if (n_alike(out, i) > 1)
			return true;
	return false;
}

void flow_send(struct flow *out, int fd, uint64_t *n_sent, uint64_t *n_dropped)
{
	if (any_alike(out))
		send_joined(out, fd, n_sent, n_dropped);
	else
		send_each(out, fd, 0, out->n, n_sent, n_dropped);
	out->n = 0;
}
