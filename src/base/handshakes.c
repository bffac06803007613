/* SPDX-License-Identifier: MIT */
#include "base/handshakes.h"

#include "base/auto.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#define STATE_NEW_SYN_RECV 12	/* the kernel's own, while nothing but the SYN has come */

#define LOOK_MS		20	/* between two looks at the handshakes under way */
#define BLIND_MS	250	/* the wait where they cannot be seen */
#define MOST_MS		1000

void handshakes_refuse(int listen_fd)
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
	(void)setsockopt(listen_fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

/* Of connections in these states, and of no others: with many in TIME_WAIT, /proc/net/tcp takes long to read. */
static int ask(int diag_fd, int family, uint16_t port)
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
			.idiag_states = 1 << TCP_SYN_RECV | 1 << STATE_NEW_SYN_RECV,
			.id.idiag_sport = htons(port),
		},
	};

	return send(diag_fd, &question, sizeof(question), 0) < 0 ? -errno : 0;
}

/* Return: how many the part lists, or -errno. *ret_last: nothing follows it. */
static int count_part(const char *part, ssize_t len, bool *ret_last)
{
	int n = 0;

	*ret_last = false;
	for (const struct nlmsghdr *h = (const void *)part; NLMSG_OK(h, len); h = NLMSG_NEXT(h, len)) {
		if (h->nlmsg_type == NLMSG_ERROR)
			return -EOPNOTSUPP;
		*ret_last |= h->nlmsg_type == NLMSG_DONE;
		n += h->nlmsg_type == SOCK_DIAG_BY_FAMILY;
	}
	return n;
}

static int count_in(int family, uint16_t port)
{
	autoclose int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	_Alignas(struct nlmsghdr) char part[8192];
	bool last = false;
	int n = 0;

	if (fd < 0 || ask(fd, family, port) < 0)
		return -1;
	while (!last) {
		ssize_t len = recv(fd, part, sizeof(part), MSG_DONTWAIT);
		int r = len > 0 ? count_part(part, len, &last) : -EIO;

		if (r < 0)
			return -1;
		n += r;
	}
	return n;
}

int handshakes_pending(uint16_t port)
{
	int v4 = count_in(AF_INET, port);
	int v6 = count_in(AF_INET6, port);

	return v4 < 0 ? -1 : v4 + (v6 < 0 ? 0 : v6);
}

void handshakes_begin(struct handshakes *wait, uint64_t now_ms)
{
	wait->look_ms = now_ms + LOOK_MS;
	wait->most_ms = now_ms + MOST_MS;
}

bool handshakes_over(struct handshakes *wait, const uint16_t ports[], unsigned n_ports, uint64_t now_ms)
{
	int pending = 0;

	if (now_ms >= wait->most_ms)
		return true;
	for (unsigned i = 0; i < n_ports && pending == 0; i++)
		pending = handshakes_pending(ports[i]);
	if (pending == 0)
		return true;
	if (pending < 0)
		wait->most_ms = wait->most_ms - MOST_MS + BLIND_MS;
	wait->look_ms = now_ms + LOOK_MS;
	return false;
}
