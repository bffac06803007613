/* SPDX-License-Identifier: MIT */
#include "bridge/rights.h"

#include "base/must.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void rights_attach(struct msghdr *header, union rights_buffer *buffer, const int fds[], unsigned n)
{
	struct cmsghdr *c;

	must(n >= 1 && n <= RIGHTS_MOST);
	header->msg_control = buffer->bytes;
	header->msg_controllen = CMSG_SPACE(n * sizeof(int));
	memset(buffer->bytes, 0, header->msg_controllen);	/* what fills it up, too */
	c = CMSG_FIRSTHDR(header);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(c), fds, n * sizeof(int));
}

void rights_expect(struct msghdr *header, union rights_buffer *buffer)
{
	header->msg_control = buffer->bytes;
	header->msg_controllen = sizeof(buffer->bytes);
}

ssize_t rights_receive(int fd, struct msghdr *header)
{
	const struct msghdr asked = *header;
	ssize_t n = recvmsg(fd, header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n >= 0 || errno != ECONNRESET)
		return n;
	*header = asked;
	return recvmsg(fd, header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
}

unsigned rights_take(struct msghdr *header, int ret_fds[RIGHTS_MOST])
{
	unsigned n_all = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		unsigned n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		must(n_all + n <= RIGHTS_MOST);
		memcpy(ret_fds + n_all, CMSG_DATA(c), n * sizeof(int));
		n_all += n;
	}
	return n_all;
}

/* Lingering is switched off first because close() of a socket that lingers waits for its far end. */
void rights_discard(int fd)
{
	const struct linger none = { 0, 0 };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	close(fd);
}

void rights_discard_all(const int fds[], unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		rights_discard(fds[i]);
}
