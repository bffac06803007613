/* SPDX-License-Identifier: MIT */
/* room.h - what the files of this room share */
#pragma once

#include "acceptor/acceptor.h"
#include "base/handshakes.h"
#include "bridge/config.h"
#include "bridge/handoff.h"

#define BATCH 64				/* accepted before they are handed out */
#define PENDING_MOST (BATCH + HANDOFF_MOST)	/* and what one message of a lost reader brings back */

/* The numbers of descriptors in the epoll set: listeners, then queues. */
#define NUMBER_OF_QUEUE(slot) (LISTENERS_MAX + (slot))

struct queue {
	int	give_fd;	/* -1 = ended */
	int	take_fd;
	bool	read;		/* somebody reads it */
	bool	full;		/* and waits in the epoll set for room */
	bool	stranded;	/* not read, and something may wait in it */
	bool	broken;		/* by its reader; the next one gets a new queue */
	bool	told;		/* that it is broken */
};

struct acceptor {
	struct acceptor_place	 place;
	const struct config	*config;
	int			 listen_fd[LISTENERS_MAX];
	bool			 held;		/* not to listen yet */
	bool			 listening;	/* since the first reader */
	bool			 watching;	/* for connections */
	bool			 stopping;
	struct handshakes	 handshakes;	/* while it stops */
	uint64_t		 again_ms;	/* after a pause; 0 = no pause */
	bool			 complained;	/* about the pause; said once until it recovers */
	unsigned		 next;		/* whose turn it is */
	unsigned		 n_queues;
	struct queue		*queues;
	unsigned		 n_pending;
	int			 pending[PENDING_MOST];	/* accepted, not handed out */
	struct acceptor_counters counters;
};

/* acceptor.c */
/* Takes back, hands out, and watches for connections as long as all could be handed out. */
void acceptor_step(struct acceptor *a);
/* Descriptors or memory are short: goes on in a moment. */
void acceptor_pause(struct acceptor *a, int error);
/* Listens. Return: 0 or -errno. */
int acceptor_begin(struct acceptor *a);

/* queue.c */
int queues_create(struct acceptor *a);
int queues_resize(struct acceptor *a, unsigned n);
/* Return: how many connections were still in them. */
unsigned queues_destroy(struct acceptor *a);
/* Every reader will see the end of its queue. */
void queues_end(struct acceptor *a);
/* Whether any has a reader. */
bool queues_read(const struct acceptor *a);
/* A full one is in the epoll set, which says when there is room again. */
void queue_set_full(struct acceptor *a, struct queue *q, bool full);

/* deal.c */
/* Brings back what waits in queues without a reader, as far as there is room, when others could take it.
 * Return: whether it did. */
bool deal_back(struct acceptor *a);
/* Hands out what is pending, in turn; stops when every queue is full. */
void deal_out(struct acceptor *a);
/* Gives @fd to whoever takes it, in nobody's turn. Return: whether @fd was taken. */
bool deal_apart(struct acceptor *a, int fd);
