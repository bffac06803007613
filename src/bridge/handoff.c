/* SPDX-License-Identifier: MIT */
#include "bridge/handoff.h"

#include "base/must.h"
#include "bridge/rights.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* The kernel doubles it, and a message takes about 1 KiB: some 16 messages wait at most. */
#define QUEUE_BYTES 8192

/* One way only: what a reader wrote would fill memory that nobody looks at. */
static int narrow(const int ends[2])
{
	const int bytes = QUEUE_BYTES;

	if (setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)) < 0 ||
	    shutdown(ends[1], SHUT_WR) < 0)
		return -errno;
	return 0;
}

int handoff_pair(int ret_ends[2])
{
	int ends[2];
	int r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return -errno;
	r = narrow(ends);
	if (r < 0) {
		close(ends[0]);
		close(ends[1]);
		return r;
	}
	ret_ends[0] = ends[0];
	ret_ends[1] = ends[1];
	return 0;
}

int handoff_give(int give_fd, const int fds[], unsigned n)
{
	unsigned char count = (unsigned char)n;	/* a message without a byte would be the end */
	struct iovec part = { &count, sizeof(count) };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
	union rights_buffer rights;

	must(n <= HANDOFF_MOST);
	rights_attach(&header, &rights, fds, n);
	if (sendmsg(give_fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	return errno == ECONNRESET || errno == ENOTCONN ? -EPIPE : -errno;
}

int handoff_take(int take_fd, int ret_fds[HANDOFF_MOST], unsigned *ret_n_lost)
{
	unsigned char count = 0;
	struct iovec part = { &count, sizeof(count) };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
	union rights_buffer rights;
	int fds[RIGHTS_MOST];
	unsigned n_fds;
	ssize_t n;

	rights_expect(&header, &rights);
	n = recvmsg(take_fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	n_fds = rights_take(&header, fds);
	if (n == 0 && n_fds == 0)
		return -EPIPE;
	if (n_fds > count || count > HANDOFF_MOST) {
		rights_discard_all(fds, n_fds);
		return -EPROTO;
	}
	memcpy(ret_fds, fds, n_fds * sizeof(int));
	*ret_n_lost = count - n_fds;
	return (int)n_fds;
}

unsigned handoff_discard(int take_fd)
{
	int fds[HANDOFF_MOST];
	unsigned n_all = 0, n_lost = 0;
	int n;

	while ((n = handoff_take(take_fd, fds, &n_lost)) >= 0) {
		rights_discard_all(fds, (unsigned)n);
		n_all += (unsigned)n + n_lost;
	}
	return n_all;
}
