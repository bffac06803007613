/* SPDX-License-Identifier: MIT */
#include "engine/pieces.h"

#include <errno.h>
#include <sys/socket.h>

/* Takes @n sent bytes off the front of @iov. Return: how many pieces are left; *ret_iov is the first. */
static int advance(struct iovec **ret_iov, int n_iov, size_t n)
{
	struct iovec *iov = *ret_iov;

	while (n_iov > 0 && n >= iov->iov_len) {
		n -= iov->iov_len;
		iov++;
		n_iov--;
	}
	if (n_iov > 0) {
		iov->iov_base = (char *)iov->iov_base + n;
		iov->iov_len -= n;
	}
	*ret_iov = iov;
	return n_iov;
}

int pieces_send(int fd, struct iovec **iov, int n_iov, enum send_then then, uint32_t *sent)
{
	int flags = MSG_NOSIGNAL | MSG_DONTWAIT | (then == SEND_THEN_CLOSE ? MSG_MORE : 0);

	while (n_iov > 0) {
		struct msghdr header = { .msg_iov = *iov, .msg_iovlen = (size_t)n_iov };
		ssize_t n = sendmsg(fd, &header, flags);

		if (n < 0 && errno == EAGAIN)
			return n_iov;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			*sent += (uint32_t)n;
			n_iov = advance(iov, n_iov, (size_t)n);
		}
	}
	return 0;
}
