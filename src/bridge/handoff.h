/* SPDX-License-Identifier: MIT */
/*
 * handoff - the queue in which accepted connections travel, from the parent or a sibling to a worker
 *
 * A SOCK_SEQPACKET pair; a message is up to HANDOFF_MOST descriptors (SCM_RIGHTS). The kernel holds what is
 * on its way, so neither side keeps a duplicate and a queue can outlive its reader: whoever holds the taking
 * end takes what was left. Neither side blocks.
 */
#pragma once

#define HANDOFF_MOST 16

/* ret_ends[0] gives, ret_ends[1] takes; both close-on-exec. Return: 0 or -errno. */
int handoff_pair(int ret_ends[2]);

/*
 * Gives @n connections, all or none; they are borrowed, the caller closes his own.
 * Return: 0, -EAGAIN (the queue is full), -EPIPE (broken by its reader), or another -errno.
 */
int handoff_give(int give_fd, const int fds[], unsigned n);

/*
 * Takes one message.
 * ret_n_lost: how many more it carried that this process had no numbers for (RLIMIT_NOFILE); the kernel has
 * closed them.
 * Return: how many connections are in ret_fds, the caller's now; -EAGAIN = none waiting; -EPIPE = the giver
 * has ended and all was taken; -EPROTO = that was no such message, nothing to close; another -errno.
 */
int handoff_take(int take_fd, int ret_fds[HANDOFF_MOST], unsigned *ret_n_lost);
/* Takes all that waits, and closes it. Return: how many connections that were. */
unsigned handoff_discard(int take_fd);
