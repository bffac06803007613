/* SPDX-License-Identifier: MIT */
/*
 * ticket - the queue of tasks: what workers ask for, until a task process is free and takes it
 *
 * A SOCK_SEQPACKET pair, one ticket a message, each with one end of a socket pair of its own (bridge/parcel.h), on
 * which the input waits and the result comes back. All workers share the giving end, all task processes the taking
 * one, and the parent holds both, so that the queue outlives everybody. Its bound is the kernel's: tickets are all
 * of one size. Whoever dies with a ticket takes its end of the pair along, which the other end sees.
 */
#pragma once

#include "bridge/config.h"

#include <stdint.h>

struct ticket {
	uint64_t	deadline_ms;	/* monotonic; after it nobody waits; 0 = none */
	char		name[TASK_NAME_BYTES];	/* terminated */
};

/*
 * A queue for @n tickets. ret_ends[0] gives, ret_ends[1] takes; both close-on-exec and non-blocking.
 * Return: how many it holds, less than @n where net.core.wmem_max does not allow more; or -errno.
 */
int ticket_queue(unsigned n, int ret_ends[2]);
/* How many wait. */
unsigned ticket_n_queued(int give_fd);
/* Return: 0 and @fd is on its way, still the caller's to close; -EAGAIN: the queue is full; or another -errno. */
int ticket_give(int give_fd, const struct ticket *ticket, int fd);
/* Return: 0 and *ret_fd is the caller's, -EAGAIN: nothing waits, -EPROTO: it was no ticket; or another -errno. */
int ticket_take(int take_fd, struct ticket *ret_ticket, int *ret_fd);
