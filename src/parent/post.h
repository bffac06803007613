/* SPDX-License-Identifier: MIT */
/* post - the boxes that messages go through: what the files behind the relay share */
#pragma once

#include "message/packet.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct child;
struct crew;
struct event_note;

/* A packet on its way. */
struct relayed {
	char		*bytes;
	size_t		 size;
	int		 fds[PACKET_FDS_MOST];
	unsigned	 n_fds;
	uint32_t	 sender_id;	/* to whom it is returned; of a box */
	uint32_t	 last_id;	/* who is born later gets no broadcast of before */
	unsigned	 at;		/* the box to try next; it has been to those before */
	uint64_t	 since_ms;	/* that it waits */
	int		 error;		/* it is to be returned for; 0 = it is not */
	uint32_t	 error_id;
};

/* A worker's mail socket, or the helper's; it may outlive its owner, for what that one has sent and not read. */
struct box {
	bool		 used;
	bool		 open;		/* its owner lives */
	bool		 wanted;	/* somebody waits for room in it */
	int		 fd;		/* our end */
	int		 far_fd;	/* a duplicate of its owner's: what is in it does not die with that one */
	uint32_t	 id;		/* its owner's; 0 = the helper */
	unsigned	 slot;
	uint32_t	 events;	/* watched for */
	uint32_t	 serial;	/* of the last packet of letters or event that was put in */
	const _Atomic uint64_t *progress;	/* as struct mailbox has it; of its living owner */
	uint64_t	 came_to;	/* what that was in the end: the memory is another's by now */
	struct relayed	*sent;		/* by its owner; waits for room elsewhere; NULL = nothing does */
	struct relayed	*unread;	/* by its late owner; waits to be returned */
};

/* Two boxes for each process there may be: one may outlive its owner. */
#define BOXES_MOST 4200

struct post_office {
	unsigned	 n_boxes;	/* that were ever used */
	struct box	*boxes;
	struct box	*helper;	/* NULL = there is none */
	unsigned	 n_waiting;	/* relayed packets */
	uint64_t	 look_ms;	/* at what waits too long, next; 0 = nothing waits */
	uint64_t	 n_letters;	/* passed on; to each of many */
	uint64_t	 n_bytes;	/* of them, without what is behind descriptors */
	uint64_t	 n_returned;
	uint64_t	 n_dropped;	/* that could not even be returned */
	uint64_t	 n_cut;		/* boxes, for what is no packet */
	char		 buffer[PACKET_BYTES_MAX + 1];
};

/* post.c */

/* Return: 0 or -ENOMEM. */
int post_create(struct crew *crew);
void post_destroy(struct crew *crew);
/* Passes on all that the owner of @box has sent; NULL is fine. */
void post_hear(struct crew *crew, struct box *box);
/*
 * Its owner has died, or is as good as dead: passes on what it has sent, returns what it has not read. NULL is
 * fine.
 */
void post_close(struct crew *crew, struct box *box);
/* Return: false = there is no room; notes_send() will be called. */
bool post_tell_helper(struct crew *crew, const struct event_note *note);
/* @row, @id, @events: of the event. */
void on_post(struct crew *crew, unsigned row, uint32_t id, uint32_t events);
/* When post_expire() has work; 0 = never. */
uint64_t post_next_ms(const struct crew *crew);
void post_expire(struct crew *crew);

/* box.c */

/* Takes both ends on success. @progress: lives as long as the box is open. Return: NULL = no room, or no watch. */
struct box *box_open(struct crew *crew, const int ends[2], uint32_t id, unsigned slot,
		     const _Atomic uint64_t *progress);
/* Closes what it has, frees what waits in it. */
void box_free(struct crew *crew, struct box *box);
/* Watches for what it has to be watched for now. */
void box_watch(struct crew *crew, struct box *box);
struct box *box_find(const struct crew *crew, uint32_t id);
/* Puts a packet in. Return: 0, -EAGAIN = no room, or another -errno. */
int box_put(struct box *to, const void *bytes, size_t size, const int fds[], unsigned n_fds);
/* Somebody has something for it: whoever is heard when there is room (on_post()). */
void box_await_room(struct crew *crew, struct box *box);

/* relayed.c */

static inline struct envelope *relayed_envelope(const struct relayed *relayed)
{
	return (struct envelope *)relayed->bytes;
}

/* Keeps a copy of @relayed, whose descriptors are its from now on; NULL = no memory, they are closed. */
struct relayed *relayed_keep(struct crew *crew, const struct relayed *relayed);
void relayed_free(struct crew *crew, struct relayed **relayed);
void relayed_close(struct relayed *relayed);
/*
 * Takes one packet out of @fd. Return: 1, 0 = none waits, -EPIPE = it has ended, -EPROTO = it is none, -EMFILE =
 * without its descriptors; then there is nothing to close.
 */
int relayed_receive(struct crew *crew, int fd, bool from_parent, struct relayed *ret_relayed);
/* Puts it into the boxes of all whom it is for. Return: false = it has to wait for room. */
bool relayed_carry(struct crew *crew, struct relayed *relayed);
/* Its sender is told that it has not reached somebody. Return: false = there is no room for that yet. */
bool relayed_return(struct crew *crew, struct relayed *relayed);
