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

static struct cmsghdr *find(const struct msghdr *header, int level, int type)
{
	struct msghdr *h = (struct msghdr *)header;	/* CMSG_NXTHDR() wants it so, and leaves it alone */

	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c))
		if (c->cmsg_level == level && c->cmsg_type == type)
			return c;
	return NULL;
}

size_t flow_piece(const struct flow *in, unsigned i)
{
	const struct cmsghdr *c = find(&in->headers[i].msg_hdr, SOL_UDP, UDP_GRO);
	size_t len = in->headers[i].msg_len;
	int piece = 0;

	if (c)
		memcpy(&piece, CMSG_DATA(c), sizeof(piece));
	return piece > 0 ? (size_t)piece : len > 0 ? len : 1;
}

/* ---- out ---- */

static void add_control(struct msghdr *header, int level, int type, const void *data, size_t len)
{
	struct cmsghdr *c = (struct cmsghdr *)((char *)header->msg_control + header->msg_controllen);

	memset(c, 0, CMSG_SPACE(len));
	*c = (struct cmsghdr){ .cmsg_level = level, .cmsg_type = type, .cmsg_len = CMSG_LEN(len) };
	memcpy(CMSG_DATA(c), data, len);
	header->msg_controllen += CMSG_SPACE(len);
}

/* Where it was sent to is where the reply comes from; by whichever way leads there. */
static void reply_from(const struct msghdr *in, struct msghdr *out)
{
	const struct cmsghdr *v4 = find(in, IPPROTO_IP, IP_PKTINFO), *v6 = find(in, IPPROTO_IPV6, IPV6_PKTINFO);

	out->msg_controllen = 0;
	if (v4) {
		struct in_pktinfo from = *(const struct in_pktinfo *)CMSG_DATA(v4);

		from.ipi_ifindex = 0;
		add_control(out, IPPROTO_IP, IP_PKTINFO, &from, sizeof(from));
	} else if (v6) {
		struct in6_pktinfo from = *(const struct in6_pktinfo *)CMSG_DATA(v6);

		if (!IN6_IS_ADDR_LINKLOCAL(&from.ipi6_addr))
			from.ipi6_ifindex = 0;
		add_control(out, IPPROTO_IPV6, IPV6_PKTINFO, &from, sizeof(from));
	}
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

	memcpy(whole->control, header->msg_control, header->msg_controllen);
	header->msg_control = whole->control;
	header->msg_iovlen = whole->n;
	add_control(header, SOL_UDP, UDP_SEGMENT, &len, sizeof(len));
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

/* The way it goes, or the kernel's age, may forbid it. */
static bool is_uncut(int error)
{
	return error == EINVAL || error == EIO || error == EMSGSIZE || error == EOPNOTSUPP;
}

static void send_one_by_one(struct flow *out, int fd, const struct whole *whole, uint64_t *n_sent, uint64_t *n_dropped)
{
	for (unsigned i = 0; i < whole->n; i++)
		++*(sendmsg(fd, &out->headers[whole->first + i].msg_hdr, MSG_NOSIGNAL) < 0 ? n_dropped : n_sent);
}

void flow_send(struct flow *out, int fd, uint64_t *n_sent, uint64_t *n_dropped)
{
	struct whole wholes[FLOW_MOST];
	struct mmsghdr headers[FLOW_MOST];
	unsigned n = join(out, wholes, headers), done = 0;

	while (done < n) {
		int r = sendmmsg(fd, headers + done, n - done, MSG_NOSIGNAL);

		for (int i = 0; i < r; i++)
			*n_sent += wholes[done++].n;
		if (r > 0)
			continue;
		if (wholes[done].n > 1 && is_uncut(errno)) {
			out->cut_most = out->iov[wholes[done].first].iov_len - 1;
			send_one_by_one(out, fd, &wholes[done], n_sent, n_dropped);
		} else {
			*n_dropped += wholes[done].n;
		}
		done++;
	}
	out->n = 0;
}
