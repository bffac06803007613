/* SPDX-License-Identifier: MIT */
#include "base/handshakes.h"

#include "base/diag.h"

#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#define STATE_NEW_SYN_RECV 12	/* the kernel's own, while nothing but the SYN has come */

#define TTL_MOST	255	/* that a packet can have; few systems send it */
#define LOOK_MS		20	/* between two looks at the handshakes under way */
#define BLIND_MS	250	/* the wait where they cannot be seen */

/* Each of the two is refused where the socket is not of its kind. */
static void hear_from(int fd, int least_ttl)
{
	(void)setsockopt(fd, IPPROTO_IP, IP_MINTTL, &least_ttl, sizeof(least_ttl));
	(void)setsockopt(fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, &least_ttl, sizeof(least_ttl));
}

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

	if (setsockopt(listen_fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0)
		hear_from(listen_fd, TTL_MOST);
}

void handshakes_admit(int fd)
{
	hear_from(fd, 0);
}

static void add(const struct diag_socket *socket, void *arg)
{
	struct handshake_list *list = arg;

	if (list->n < HANDSHAKES_MOST)
		list->cookies[list->n] = socket->cookie;
	list->n++;
}

int handshakes_list(uint16_t port, struct handshake_list *list)
{
	return diag_each(port, 1 << TCP_SYN_RECV | 1 << STATE_NEW_SYN_RECV, add, list) < 0 ? -1 : 0;
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
