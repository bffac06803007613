/* SPDX-License-Identifier: MIT */
/* datagrams - the UDP sockets of the slots, under reuseport */
#pragma once

#include "bridge/config.h"

#include <stdbool.h>

struct crew;
struct slot;

/* Of an address: that of slot k is the kth of the group, for as long as the pool lives. */
struct datagram_group {
	unsigned	n;		/* at least as many as there are slots that have had a worker */
	int		fd[WORKERS_MAX];	/* the first is the reserved one */
};

/* Puts the UDP sockets of @slot into @listen_fd, which borrows them. Return: 0 or -errno of making one. */
int datagrams_bequeath(struct crew *crew, const struct slot *slot, int listen_fd[LISTENERS_MAX]);
/* That of the slot number @slot in the pool before us, there now or not. Return: 0 and @fd is taken, or -EPROTO. */
int datagrams_inherit(struct crew *crew, unsigned slot, unsigned index, int fd);
/*
 * Of the slot number @slot, which may have left; borrowed. -1 = the address is not of datagrams, or is shared, or
 * there was no such slot yet.
 */
int datagrams_socket(const struct crew *crew, unsigned slot, unsigned index);
/* Whether something waits for @slot. */
bool datagrams_wait(const struct crew *crew, const struct slot *slot);
/* Who gets what is sent to the address @index, from now on. Return: 0 or -errno. */
int datagrams_steer(struct crew *crew, unsigned index);
/* Closes the sockets of slots that there are not any more. */
void datagrams_trim(struct crew *crew);
/* The pool stops: closes all but the reserved ones. */
void datagrams_close(struct crew *crew);
