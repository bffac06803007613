/* SPDX-License-Identifier: MIT */
/*
 * echo - loads an echo: echo PORT CONNECTIONS BYTES SECONDS [udp [BURST]]; prints how many messages came back
 *
 * Each connection has one message on its way, or a burst of them: it sends the next when the last has come back whole.
 */
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNS_MOST 4096
#define BYTES_MOST 65536
#define BURST_MOST 64

static char message[BYTES_MOST], back[BYTES_MOST];
static uint32_t n_back[CONNS_MOST];	/* bytes, of what is on its way */
static unsigned n_burst = 1;		/* messages at once */
static int fds[CONNS_MOST];

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int join(uint16_t port, int type)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, type, 0), on = 1;

	if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    (type == SOCK_STREAM && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0))
		err(1, "port %u", port);
	return fd;
}

static void say(int fd, size_t n)
{
	struct iovec iov = { message, n };
	struct mmsghdr burst[BURST_MOST];

	for (unsigned i = 0; i < n_burst; i++)
		burst[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &iov, .msg_iovlen = 1 } };
	if (sendmmsg(fd, burst, n_burst, MSG_NOSIGNAL) != (int)n_burst || burst[0].msg_len != n)
		err(1, "send");
}

/* Return: whether all @n_bytes have come back. */
static int hear(unsigned i, size_t n_bytes)
{
	size_t most = n_bytes - n_back[i];
	ssize_t n = recv(fds[i], back, most < sizeof(back) ? most : sizeof(back), MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n <= 0)
		errx(1, "connection %u has ended", i);
	n_back[i] += (uint32_t)n;
	if (n_back[i] < n_bytes)
		return 0;
	n_back[i] = 0;
	return 1;
}

int main(int argc, char **argv)
{
	unsigned n_conns = argc >= 5 && argc <= 7 ? (unsigned)atoi(argv[2]) : 0;
	size_t n_bytes = argc >= 5 && argc <= 7 ? (size_t)atoi(argv[3]) : 0;
	struct epoll_event events[512];
	unsigned long n_messages = 0;
	double end_s;
	int epoll_fd = epoll_create1(0);

	if (argc == 7)
		n_burst = (unsigned)atoi(argv[6]);
	if (n_conns < 1 || n_conns > CONNS_MOST || n_bytes < 1 || n_bytes > BYTES_MOST || n_burst < 1 || n_burst > BURST_MOST)
		errx(2, "usage: echo PORT CONNECTIONS BYTES SECONDS [udp [BURST]]");
	for (unsigned i = 0; i < n_conns; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.u32 = i };

		fds[i] = join((uint16_t)atoi(argv[1]), argc >= 6 ? SOCK_DGRAM : SOCK_STREAM);
		if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fds[i], &event) < 0)
			err(1, "epoll");
	}
	for (unsigned i = 0; i < n_conns; i++)
		say(fds[i], n_bytes);
	end_s = now_s() + atof(argv[4]);
	while (now_s() < end_s) {
		int n = epoll_wait(epoll_fd, events, 512, 1000);

		for (int e = 0; e < n; e++) {
			if (!hear(events[e].data.u32, n_burst * n_bytes))
				continue;
			n_messages += n_burst;
			say(fds[events[e].data.u32], n_bytes);
		}
	}
	printf("%lu\n", n_messages);
}
