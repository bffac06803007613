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

static void add(struct handshake_list *list, const struct inet_diag_msg *m)
{
	if (list->n < HANDSHAKES_MOST)
		list->cookies[list->n] = (uint64_t)m->id.idiag_cookie[1] << 32 | m->id.idiag_cookie[0];
	list->n++;
}

/* Return: 1, 0 (nothing follows this part), or -errno. */
static int list_part(const char *part, ssize_t len, struct handshake_list *list)
{
	for (const struct nlmsghdr *h = (const void *)part; NLMSG_OK(h, len); h = NLMSG_NEXT(h, len)) {
		if (h->nlmsg_type == NLMSG_DONE)
			return 0;
		if (h->nlmsg_type != SOCK_DIAG_BY_FAMILY || h->nlmsg_len < NLMSG_LENGTH(sizeof(struct inet_diag_msg)))
			return -EOPNOTSUPP;
		add(list, NLMSG_DATA(h));
	}
	return 1;
}

static int list_of(int family, uint16_t port, struct handshake_list *list)
{
	autoclose int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	_Alignas(struct nlmsghdr) char part[8192];
	int r = fd < 0 ? -errno : ask(fd, family, port);

	if (r < 0)
		return r;
	do {
		ssize_t len = recv(fd, part, sizeof(part), MSG_DONTWAIT);

		r = len > 0 ? list_part(part, len, list) : -EIO;
	} while (r > 0);
	return r;
}

int handshakes_list(uint16_t port, struct handshake_list *list)
{
	if (list_of(AF_INET, port, list) < 0)
		return -1;
	(void)list_of(AF_INET6, port, list);	/* refused where there is no IPv6 */
	return 0;
}

static int list_all(const uint16_t ports[], unsigned n_ports, struct handshake_list *ret_list)
{
	int r = 0;

	ret_list->n = 0;
	for (unsigned i = 0; i < n_ports && r == 0; i++)
		r = handshakes_list(ports[i], ret_list);
	return r;
}

void handshakes_begin(struct handshakes *wait, uint64_t now_ms, uint64_t most_ms)
{
	wait->look_ms = now_ms + LOOK_MS;
	wait->most_ms = most_ms;
	wait->listed = false;
}

static bool has(const struct handshake_list *list, uint64_t cookie)
{
	for (unsigned i = 0; i < list->n; i++)
		if (list->cookies[i] == cookie)
			return true;
	return false;
}

/* With more than the lists hold, all are taken for those that were begun. */
static bool any_is_left(const struct handshake_list *begun, const struct handshake_list *now)
{
	if (begun->n > HANDSHAKES_MOST || now->n > HANDSHAKES_MOST)
		return now->n > 0;
	for (unsigned i = 0; i < now->n; i++)
		if (has(begun, now->cookies[i]))
			return true;
	return false;
}

static void stop_soon(struct handshakes *wait, uint64_t now_ms)
{
	if (now_ms + BLIND_MS < wait->most_ms)
		wait->most_ms = now_ms + BLIND_MS;
	wait->listed = true;	/* nothing: the time decides */
	wait->begun.n = HANDSHAKES_MOST + 1;
}

bool handshakes_over(struct handshakes *wait, const uint16_t ports[], unsigned n_ports, uint64_t now_ms)
{
	struct handshake_list now;

	wait->look_ms = now_ms + LOOK_MS;
	if (now_ms >= wait->most_ms)
		return true;
	if (list_all(ports, n_ports, &now) < 0) {
		stop_soon(wait, now_ms);
		return false;
	}
	if (!wait->listed) {
		wait->begun = now;
		wait->listed = true;
	}
	return !any_is_left(&wait->begun, &now);
}
