/* SPDX-License-Identifier: MIT */
/*
 * mailbox - one process's end of its mail socket: what it sends, what it gets
 *
 * For whatever loop there is: it says when the socket can be read (mailbox_receive()), when its turn ends
 * (mailbox_flush()), and when there is room again (mailbox_room()). Small letters for one recipient gather in a
 * packet until then. A packet is looked at first and taken out of the socket when all of its letters were handled;
 * how far that has come stands in memory that outlives the process, so that the parent knows what did not.
 *
 * Fails by: -EPIPE when the parent has cut it or is gone.
 */
#pragma once

#include "message/packet.h"

#include <stdatomic.h>

struct mailbox;

struct mailbox_ops {
	/* Of @from, with what it carries, which is ours. */
	void	(*message)(const struct brood_message *message, void *arg);
	void	(*returned)(const struct brood_returned *returned, void *arg);
	void	(*event)(const struct event_note *note, void *arg);
	void	(*room)(void *arg);		/* after mailbox_send() had said -EAGAIN */
	/* Whether anybody wants messages; NULL = yes. */
	bool	(*wanted)(void *arg);
};

struct mailbox {
	int			 fd;		/* -1 = none, or cut */
	const struct mailbox_ops *ops;
	void			*arg;
	_Atomic uint64_t	*progress;	/* serial of the packet at hand, and how many of its
						 * letters were handled */
	uint64_t		 last;		/* number of a letter */
	uint64_t		 n_sent, n_received, n_returned;	/* letters */
	char			*out;		/* the packet that gathers; NULL = none ever did */
	size_t			 n_out;		/* 0 = there is none */
	char			*in;
	bool			 full;		/* the socket was; nothing is tried until mailbox_room() */
	bool			 owes_room;	/* somebody was refused */
};

static inline uint64_t progress_make(uint32_t serial, uint32_t n_done)
{
	return (uint64_t)serial << 32 | n_done;
}

/* A connected pair, close-on-exec and non-blocking. Return: 0 or -errno. */
int mailbox_pair(int ret_ends[2]);

void mailbox_init(struct mailbox *box, int fd, const struct mailbox_ops *ops, void *arg);
/* Frees its memory; the descriptor is its loop's. */
void mailbox_finish(struct mailbox *box);

/* out.c */

/*
 * @fd: -1, or what the recipient gets a duplicate of. Return: the letter's number; -EAGAIN (no room: nothing was
 * taken), -EPIPE, -EMSGSIZE, -EINVAL, -EBADF, -ENOMEM, or another -errno of memory or of descriptors.
 */
int64_t mailbox_send(struct mailbox *box, enum brood_to to, uint32_t which, const void *data, size_t len, int fd);
/* What has gathered goes. Return: whether the socket is full: mailbox_room() is to be called when it is not. */
bool mailbox_flush(struct mailbox *box);
/* The socket takes more. */
void mailbox_room(struct mailbox *box);
/* Gives up on nothing for @ms at most; before the process ends. */
void mailbox_flush_last(struct mailbox *box, int ms);

/* in.c */

/* Handles up to @most packets. Return: 1 = there may be more, 0 = none, -EPIPE. */
int mailbox_receive(struct mailbox *box, unsigned most);
