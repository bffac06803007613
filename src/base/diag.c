/* SPDX-License-Identifier: MIT */
#include "base/diag.h"

#include "base/auto.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <string.h>

/* Of sockets in these states on this port, and of no others. */
static int ask(int diag_fd, int family, uint16_t port, uint32_t states)
{
	struct {
		struct nlmsghdr		header;
		struct inet_diag_req_v2	request;
	} question = {
		.header = {
			.nlmsg_len = sizeof(question), .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		},
		.request = {
			.sdiag_family = (uint8_t)family, .sdiag_protocol = IPPROTO_TCP,
			.idiag_states = states,
			.id.idiag_sport = htons(port),
		},
	};

	return send(diag_fd, &question, sizeof(question), 0) < 0 ? -errno : 0;
}

static struct address address_of(const struct inet_diag_msg *m)
{
	struct address address = { .len = 0 };

	if (m->idiag_family == AF_INET) {
		address.v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = m->id.idiag_sport };
		memcpy(&address.v4.sin_addr, m->id.idiag_src, sizeof(address.v4.sin_addr));
		address.len = sizeof(address.v4);
	} else {
		address.v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = m->id.idiag_sport };
		memcpy(&address.v6.sin6_addr, m->id.idiag_src, sizeof(address.v6.sin6_addr));
		address.len = sizeof(address.v6);
	}
	return address;
}

static bool is_v6only(const struct inet_diag_msg *m, size_t len)
{
	const struct rtattr *a = (const void *)(m + 1);
	int left = (int)(len - sizeof(*m));

	for (; RTA_OK(a, left); a = RTA_NEXT(a, left))
		if (a->rta_type == INET_DIAG_SKV6ONLY)
			return *(const uint8_t *)RTA_DATA(a);
	return false;
}

static void visit_one(const struct nlmsghdr *h, diag_visit_fn *visit, void *arg)
{
	const struct inet_diag_msg *m = NLMSG_DATA(h);
	const struct diag_socket found = {
		.address = address_of(m), .v6only = is_v6only(m, h->nlmsg_len - NLMSG_LENGTH(0)),
		.n_queued = m->idiag_rqueue, .uid = m->idiag_uid, .inode = m->idiag_inode,
		.cookie = (uint64_t)m->id.idiag_cookie[1] << 32 | m->id.idiag_cookie[0],
	};

	visit(&found, arg);
}

/* Return: 1, 0 (nothing follows this part), or -errno. */
static int visit_part(const char *part, ssize_t len, diag_visit_fn *visit, void *arg)
{
	for (const struct nlmsghdr *h = (const void *)part; NLMSG_OK(h, len); h = NLMSG_NEXT(h, len)) {
		if (h->nlmsg_type == NLMSG_DONE)
			return 0;
		if (h->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
		    h->nlmsg_len < NLMSG_LENGTH(sizeof(struct inet_diag_msg)))
			return -EOPNOTSUPP;
		visit_one(h, visit, arg);
	}
	return 1;
}

static int each_of(int family, uint16_t port, uint32_t states, diag_visit_fn *visit, void *arg)
{
	autoclose int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	_Alignas(struct nlmsghdr) char part[8192];
	int r = fd < 0 ? -errno : ask(fd, family, port, states);

	if (r < 0)
		return r;
	do {
		ssize_t len = recv(fd, part, sizeof(part), MSG_DONTWAIT);

		r = len > 0 ? visit_part(part, len, visit, arg) : -EIO;
	} while (r > 0);
	return r;
}

int diag_each(uint16_t port, uint32_t states, diag_visit_fn *visit, void *arg)
{
	int r = each_of(AF_INET, port, states, visit, arg);

	if (r < 0)
		return r;
	(void)each_of(AF_INET6, port, states, visit, arg);	/* refused where there is no IPv6 */
	return 0;
}
