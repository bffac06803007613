/* SPDX-License-Identifier: MIT */
#include "balance/attach.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

int attach_program(int listen_fd, const struct sock_filter code[], unsigned len)
{
	struct sock_fprog program;

	memset(&program, 0, sizeof(program));	/* because the kernel reads what is between the fields, too */
	program.len = (unsigned short)len;
	program.filter = (struct sock_filter *)code;
	return setsockopt(listen_fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program)) < 0 ? -errno
													  : 0;
}

int attach_nothing(int listen_fd)
{
	const int unused = 0;

	if (setsockopt(listen_fd, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &unused, sizeof(unused)) == 0 ||
	    errno == ENOENT)
		return 0;
	return -errno;
}
