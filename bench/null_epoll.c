/* SPDX-License-Identifier: MIT */
/*
 * null_epoll - the practical limit of a readiness loop
 *
 * One process, one thread, edge-triggered epoll: per turn one epoll_wait(), then for each readable
 * connection one recv() and one send(). A receive that did not fill the buffer has emptied the socket,
 * so it is not repeated; an answer that did not fit is finished on EPOLLOUT. With --close the first
 * receive is tried right behind accept4(), and only when nothing is there the descriptor joins epoll.
 *
 * Fails by: answering nonsense to requests of another size than --request-bytes.
 */
#define _GNU_SOURCE
#include "null.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS 512
#define RECEIVE_BYTES 16384

struct conn {
	uint32_t	unread;		/* bytes of a request still incomplete */
	uint32_t	phase;		/* where in an answer the next send begins */
	uint64_t	owed;		/* answer bytes not yet sent */
	bool		answered;	/* a request was complete */
};

static struct null_options options;
static struct null_answer answer;
static struct conn conns[NULL_CONNS_MAX];
static char received[RECEIVE_BYTES];
static int epoll_fd;
static int listen_fd;

static void watch(int fd, uint32_t events)
{
	struct epoll_event event = { .events = events | EPOLLET, .data.fd = fd };

	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		err(1, "epoll_ctl");
}

/* Return: 0 when all is sent or the socket is full, -1 when the connection is dead. */
static int send_owed(struct conn *c, int fd)
{
	uint64_t len;
	ssize_t r;

	while (c->owed) {
		len = answer.row_bytes - c->phase;
		len = c->owed < len ? c->owed : len;
		r = send(fd, answer.bytes + c->phase, len, MSG_NOSIGNAL);
		if (r < 0)
			return errno == EAGAIN ? 0 : -1;
		c->owed -= (uint64_t)r;
		c->phase = (uint32_t)((c->phase + (uint64_t)r) % answer.len);
	}
	return 0;
}

/* Return: 1 when the socket is empty, 0 at the end of the stream, -1 when the connection is dead. */
static int receive(struct conn *c, int fd)
{
	uint32_t n;
	ssize_t r;

	do {
		r = recv(fd, received, sizeof(received), 0);
		if (r < 0)
			return errno == EAGAIN ? 1 : -1;
		if (r == 0)
			return 0;
		c->unread += (uint32_t)r;
		n = null_requests_take(&options, &c->unread);
		c->owed += (uint64_t)n * answer.len;
		c->answered |= n > 0;
	} while (r == sizeof(received));
	return 1;
}

/* Return: whether the connection lives on. */
static bool on_conn(int fd)
{
	struct conn *c = &conns[fd];
	int r = receive(c, fd);

	if (r < 0 || send_owed(c, fd) < 0)
		return false;
	return c->owed || (r > 0 && !(options.close && c->answered));
}

static void on_listener(void)
{
	int fd;

	while ((fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		if (fd >= NULL_CONNS_MAX)
			errx(1, "more than %d descriptors", NULL_CONNS_MAX);
		conns[fd] = (struct conn){ 0 };
		if (options.close && !on_conn(fd))
			close(fd);
		else
			watch(fd, EPOLLIN | EPOLLOUT);
	}
	if (errno != EAGAIN && errno != ECONNABORTED)
		err(1, "accept4");
}

int main(int argc, char **argv)
{
	struct epoll_event events[EVENTS];
	int n;

	null_options_parse(argc, argv, &options);
	null_answer_init(&answer, &options);
	listen_fd = null_listen(&options);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0)
		err(1, "epoll_create1");
	watch(listen_fd, EPOLLIN);
	for (;;) {
		n = epoll_wait(epoll_fd, events, EVENTS, -1);
		if (n < 0 && errno != EINTR)
			err(1, "epoll_wait");
		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == listen_fd)
				on_listener();
			else if (!on_conn(events[i].data.fd))
				close(events[i].data.fd);
		}
	}
}
