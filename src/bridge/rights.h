/* SPDX-License-Identifier: MIT */
/* rights - descriptors in a message of a UNIX socket (SCM_RIGHTS, unix(7)) */
#pragma once

#include <sys/socket.h>

/* The most a message can carry (SCM_MAX_FD): with room for all of them none stays behind unclosed. */
#define RIGHTS_MOST 253

union rights_buffer {
	char		bytes[CMSG_SPACE(sizeof(int) * RIGHTS_MOST)];
	struct cmsghdr	align;
};

/* Puts @n >= 1 descriptors into @header, which borrows @buffer. */
void rights_attach(struct msghdr *header, union rights_buffer *buffer, const int fds[], unsigned n);

/* Makes room for descriptors in @header, which borrows @buffer. */
void rights_expect(struct msghdr *header, union rights_buffer *buffer);

/*
 * recvmsg(2), without waiting. One that left without having read all it was sent is told first, once, as an error;
 * what it has said comes after: that is what is returned.
 */
ssize_t rights_receive(int fd, struct msghdr *header);

/* The descriptors that came with a received message; all are the caller's to close. Return: how many. */
unsigned rights_take(struct msghdr *header, int ret_fds[RIGHTS_MOST]);

/* Closes a descriptor that came from somebody else, without waiting for its far end. */
void rights_discard(int fd);
void rights_discard_all(const int fds[], unsigned n);
