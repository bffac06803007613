/* SPDX-License-Identifier: MIT */
#include "bridge/ticket.h"

#include "bridge/rights.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* What the kernel charges for one ticket; the same for all. */
static int ticket_bytes(int give_fd, int take_fd)
{
	struct ticket ticket = { 0 };
	int bytes = 0;

	if (send(give_fd, &ticket, sizeof(ticket), 0) < 0 || ioctl(give_fd, SIOCOUTQ, &bytes) < 0 ||
	    recv(take_fd, &ticket, sizeof(ticket), 0) < 0)
		return -errno;
	return bytes > 0 ? bytes : -ENOTSUP;
}

/* A message is let in while less is charged than the buffer may hold; what is set is doubled by the kernel. */
static int bound(int give_fd, int take_fd, unsigned n)
{
	int one = ticket_bytes(give_fd, take_fd);
	int bytes = one * (int)n / 2;
	socklen_t size = sizeof(bytes);

	if (one < 0)
		return one;
	if (setsockopt(give_fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)) < 0 ||
	    getsockopt(give_fd, SOL_SOCKET, SO_SNDBUF, &bytes, &size) < 0 || shutdown(take_fd, SHUT_WR) < 0)
		return -errno;
	return (bytes + one - 1) / one;
}

int ticket_queue(unsigned n, int ret_ends[2])
{
	int ends[2];
	int r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return -errno;
	r = bound(ends[0], ends[1], n);
	if (r < 0) {
		close(ends[0]);
		close(ends[1]);
		return r;
	}
	ret_ends[0] = ends[0];
	ret_ends[1] = ends[1];
	return r;
}

/* Return: what is charged for all that wait, as a share of what one costs. */
unsigned ticket_n_queued(int give_fd)
{
	static int one;
	int ends[2];
	int bytes = 0;

	if (one <= 0 && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0) {
		one = ticket_bytes(ends[0], ends[1]);
		close(ends[0]);
		close(ends[1]);
	}
	if (one <= 0 || ioctl(give_fd, SIOCOUTQ, &bytes) < 0 || bytes < 0)
		return 0;
	return (unsigned)(bytes / one);
}

int ticket_give(int give_fd, const struct ticket *ticket, int fd)
{
	struct iovec part = { (void *)ticket, sizeof(*ticket) };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
	union rights_buffer rights;

	rights_attach(&header, &rights, &fd, 1);
	if (sendmsg(give_fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	/* too many descriptors of this user wait in queues */
	return errno == ETOOMANYREFS ? -EAGAIN : -errno;
}

int ticket_take(int take_fd, struct ticket *ret_ticket, int *ret_fd)
{
	struct iovec part = { ret_ticket, sizeof(*ret_ticket) };
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
	if (n == sizeof(*ret_ticket) && n_fds == 1) {
		ret_ticket->name[TASK_NAME_BYTES - 1] = '\0';
		*ret_fd = fds[0];
		return 0;
	}
	rights_discard_all(fds, n_fds);
	return n == 0 ? -EPIPE : -EPROTO;
}
