/* SPDX-License-Identifier: MIT */
/* wire.h - packets of a fuzzer's input on a UNIX socket, with descriptors, and a count of those that are open */
#pragma once

#include "base/must.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define N_FDS_MAX 128
#define WIRE_FDS_MOST 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline unsigned n_open_fds(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < N_FDS_MAX; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static inline void wire_send(int fd, const uint8_t *bytes, size_t n, unsigned n_fds, const int fds[])
{
	union {
		char		bytes[CMSG_SPACE(WIRE_FDS_MOST * sizeof(int))];
		struct cmsghdr	align;
	} control = { { 0 } };
	struct iovec part = { (void *)bytes, n };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };

	must(n_fds <= WIRE_FDS_MOST);
	if (n_fds > 0) {
		header.msg_control = &control;
		header.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(&control.align), fds, n_fds * sizeof(int));
	}
	(void)sendmsg(fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* What could come with a packet: memory that is sealed, of @len bytes, and memory that is not. */
static inline int wire_memory(size_t len, bool sealed)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	must(fd >= 0 && ftruncate(fd, (off_t)len) == 0);
	if (sealed)
		must(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0);
	return fd;
}

/* The steps of an input, each of two bytes, what it does and to whom, and those of a packet: a length and the rest. */
struct steps {
	const uint8_t	*at;
	size_t		 left;
};

static inline uint8_t step_byte(struct steps *s)
{
	if (s->left == 0)
		return 0;
	s->left--;
	return *s->at++;
}

/* Of the length in the next two bytes, the lowest first; less where there is not so much. Return: its length. */
static inline size_t step_packet(struct steps *s, const uint8_t **ret_bytes)
{
	size_t n = step_byte(s);

	n |= (size_t)step_byte(s) << 8;
	n = n < s->left ? n : s->left;
	*ret_bytes = s->at;
	s->at += n;
	s->left -= n;
	return n;
}
