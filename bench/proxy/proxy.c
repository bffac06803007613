/* SPDX-License-Identifier: MIT */
/*
 * proxy - the fourth model, for measuring only: an acceptor that forwards bytes to workers on own ports
 *
 * Connection i goes to worker (i + 1) mod n over a TCP connection of its own; a worker that refuses is passed
 * over. One process, edge-triggered epoll; a pair (pair.c) is two sides and two flows (flow.c).
 *
 * Not in it: other hosts, health checks, timeouts, HTTP.
 */
#include "proxy.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 4096
#define ACCEPTS_MAX 64
#define EVENTS_MAX 256
#define FDS_SPARE 32

uint16_t worker_ports[WORKERS_MAX];
unsigned n_workers;
static uint16_t port;
static int epoll_fd;
static int listen_fd;
static bool listening;
static unsigned pairs_max;

static void listening_set(bool on)
{
	struct epoll_event event = { .events = EPOLLIN };

	if (on == listening)
		return;
	listening = on;
	if (epoll_ctl(epoll_fd, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, listen_fd, &event) < 0)
		err(1, "epoll: the listener");
}

void side_watch(struct pair *pair, int i)
{
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
		.data.u64 = (uintptr_t)pair | (unsigned)i,
	};

	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, pair->side[i].fd, &event) < 0)
		err(1, "epoll: a connection");
}

static void on_connections(void)
{
	for (unsigned i = 0; i < ACCEPTS_MAX && n_pairs < pairs_max; i++) {
		int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0 && (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR))
			break;
		if (fd < 0)
			err(1, "accept");
		pair_begin(fd);
	}
}

static void run_turn(void)
{
	struct epoll_event events[EVENTS_MAX];
	int n = epoll_wait(epoll_fd, events, EVENTS_MAX, pairs_pending() ? 0 : -1);

	if (n < 0 && errno != EINTR)
		err(1, "epoll_wait");
	pairs_run_pending();
	for (int i = 0; i < n; i++) {
		uint64_t tag = events[i].data.u64;

		if (tag == 0)
			on_connections();
		else
			on_event((struct pair *)(uintptr_t)(tag & ~1ull), (int)(tag & 1), events[i].events);
	}
	pairs_bury();
	listening_set(n_pairs < pairs_max);
}

static void listen_open(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int one = 1;

	listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (listen_fd < 0 || setsockopt(listen_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    setsockopt(listen_fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0 ||	/* inherited */
	    bind(listen_fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listen_fd, BACKLOG) < 0)
		err(1, "port %u", port);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0)
		err(1, "epoll");
	listening_set(true);
}

/* Two descriptors a pair, and no more pairs than there are descriptors. */
static void limit_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		err(1, "the limit of descriptors");
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < 2 * FDS_SPARE)
		err(1, "the limit of descriptors");
	pairs_max = (unsigned)((limit.rlim_cur < 1u << 30 ? limit.rlim_cur : 1u << 30) - FDS_SPARE) / 2;
}

static uint16_t parse_port(const char *text, char **ret_end)
{
	unsigned long n = strtoul(text, ret_end, 10);

	if (*text < '0' || *text > '9' || n < 1 || n > 65535)
		errx(2, "not a port: %s", text);
	return (uint16_t)n;
}

static void parse_workers(const char *text)
{
	char *end;

	for (n_workers = 0;; text = end + 1) {
		if (n_workers == WORKERS_MAX)
			errx(2, "more than %d workers", WORKERS_MAX);
		worker_ports[n_workers++] = parse_port(text, &end);
		if (*end == '\0')
			return;
		if (*end != ',')
			errx(2, "not a list of ports: %s", text);
	}
}

static void parse_options(int argc, char **argv)
{
	static const struct option known[] = {
		{ "port", required_argument, NULL, 'p' },
		{ "workers", required_argument, NULL, 'w' },
		{ 0 }
	};
	int option;
	char *end;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case 'p':
			port = parse_port(optarg, &end);
			if (*end)
				errx(2, "not a port: %s", optarg);
			break;
		case 'w':
			parse_workers(optarg);
			break;
		default:
			errx(2, "usage: proxy --port P --workers PORT,PORT,...");
		}
	}
	if (optind < argc)
		errx(2, "unexpected argument: %s", argv[optind]);
	if (!port || !n_workers)
		errx(2, "--port and --workers are needed");
}

int main(int argc, char **argv)
{
	parse_options(argc, argv);
	limit_raise();
	listen_open();
	for (;;)
		run_turn();
}
