/* SPDX-License-Identifier: MIT */
/*
 * testament - what two parents say to each other while the new one takes over from the old one
 *
 *   new                 old
 *   HELLO          →
 *                  ←    POOL       what runs there, with a socket for each address
 *   STATE          →               since version 2, if it wants it
 *                  ←    MEMORY     two descriptors of the shared state, or none
 *   TAKE slot      →               for as many slots as it has, from 0 on, with an inbox for its connections
 *                  ←    SLOT       with the slot's listeners
 *   HOLD slot, i   →               since version 3, of programs: for each slot from 0 on until there is none
 *                  ←    HELD       with what its programs have stored (FDSTORE=1)
 *   SPARE slot     →               since version 3: likewise for slots that have left, until there is none
 *                  ←    SPARES     with their sockets of datagrams, which are still in their groups
 *   READY          →               its workers accept
 *                  ←    GO         the old one leaves
 *
 * A SOCK_SEQPACKET pair, a message a packet: a type, then a payload of exactly that type's size, then descriptors
 * (SCM_RIGHTS). The new one asks and the old one answers, so there is never more than one message on its way
 * and nobody has to wait for room. The two may be of different versions of brood: HELLO stays as it is for
 * ever, everything after it as long as TESTAMENT_VERSION. Nothing else is common to them: not the workers'
 * channel, not the board.
 *
 * Fails by: -EPROTO for what is no such message (its descriptors are closed), -EPIPE when the other is gone.
 */
#pragma once

#include "base/address.h"
#include "bridge/config.h"
#include "bridge/stored.h"

#include <stdint.h>
#include <sys/types.h>

#define TESTAMENT_VERSION 3
#define TESTAMENT_OLDEST 1		/* that is spoken too */

enum testament_side { FROM_NEW, FROM_OLD };

struct testament_hello {
	uint32_t	least;		/* the versions it can speak... */
	uint32_t	most;		/* ...from, to */
};

struct testament_address {
	uint16_t	family;		/* AF_INET, AF_INET6, AF_UNIX: then without ports */
	uint16_t	asked_port;	/* may be 0 */
	uint16_t	port;
	uint16_t	lent;		/* bit 0: a service manager holds the socket as well; bit 1: it is of UDP */
	uint8_t		ip[16];		/* the first 4 of AF_INET, the rest 0; of AF_UNIX a hash of the path */
};

struct testament_pool {
	uint32_t		version;	/* that is spoken from here on */
	uint32_t		model;		/* enum brood_model */
	uint32_t		n_slots;	/* 1..WORKERS_MAX */
	uint32_t		n_told;		/* workers, by its options: it may have been scaled since */
	uint32_t		n_addresses;	/* 1..LISTENERS_MAX; as many descriptors, of bound sockets... */
	uint32_t		claims;		/* ...mask of addresses: so many, of what keeps other
						 * pools from them... */
	uint32_t		control;	/* ...1 = and one, of the control socket */
	struct testament_address	addresses[LISTENERS_MAX];
};

struct testament_take {
	uint32_t	slot;		/* of TAKE a descriptor, or none: where its idle connections may go */
};

struct testament_slot {
	uint32_t	slot;
	uint32_t	n_born;		/* workers it has had */
	uint32_t	listeners;	/* mask of addresses; a descriptor for each. Of SPARES: 0 = there is
					 * no such one, and none after it */
	uint16_t	places[LISTENERS_MAX];	/* of each in the reuseport group of its address */
};

struct testament_ready {
	uint32_t	addresses;	/* mask of those of POOL that it serves; the others are left to
					 * the old one */
	uint32_t	control;	/* 1 = it takes the control socket over */
};

struct testament_go {
	uint32_t	comes_back;	/* 1 = the sender will take over in turn, on this socket */
};

struct testament_state {
	uint32_t	n_fds;		/* of MEMORY, 0 or 2: its memory, and what wakes those who watch it;
					 * of STATE 0 */
};

struct testament_hold {
	uint32_t	slot;
	uint32_t	index;		/* 0..STORED_MOST - 1 */
};

struct testament_held {
	uint32_t	slot;
	uint32_t	index;
	char		name[STORED_NAME_BYTES];	/* terminated; a descriptor, or none: there are no more */
};

struct testament_failed {
	char		reason[256];	/* one line, terminated */
};

/* name, sender, payload, meaning */
#define TESTAMENT_MESSAGES(X)									\
	X(HELLO,  FROM_NEW, struct testament_hello,  "I am the new one; what is there?")		\
	X(POOL,   FROM_OLD, struct testament_pool,   "this")					\
	X(TAKE,   FROM_NEW, struct testament_take,   "I want this slot")				\
	X(SLOT,   FROM_OLD, struct testament_slot,   "here are its listeners")			\
	X(READY,  FROM_NEW, struct testament_ready,  "my workers accept")			\
	X(GO,     FROM_OLD, struct testament_go,     "it is yours; I leave")			\
	X(FAILED, FROM_NEW, struct testament_failed, "I cannot, and why")				\
	X(STATE,  FROM_NEW, struct testament_state,  "is there shared state?")				\
	X(MEMORY, FROM_OLD, struct testament_state,  "here it is, or there is none")		\
	X(SPARE,  FROM_NEW, struct testament_take,   "is there a socket of this slot that has left?")	\
	X(SPARES, FROM_OLD, struct testament_slot,   "here it is, or there is none")		\
	X(HOLD,   FROM_NEW, struct testament_hold,   "what has a program of this slot stored?")	\
	X(HELD,   FROM_OLD, struct testament_held,   "this, or there are no more")

enum testament_type {
#define TYPE(name, sender, payload, meaning) TESTAMENT_##name,
	TESTAMENT_MESSAGES(TYPE)
#undef TYPE
	TESTAMENT_N_TYPES
};

#define TESTAMENT_PAYLOAD_MAX 256
#define TESTAMENT_FDS_MAX (2 * LISTENERS_MAX + 1)

struct testament_message {
	uint32_t	type;			/* enum testament_type */
	pid_t		pid;			/* of its sender, by the kernel's word */
	uid_t		uid;
	unsigned	n_fds;
	int		fds[TESTAMENT_FDS_MAX];	/* the receiver's to close */
	union {
		struct testament_hello	hello;
		struct testament_pool	pool;
		struct testament_take	take;
		struct testament_slot	slot;
		struct testament_ready	ready;
		struct testament_go	go;
		struct testament_failed	failed;
		struct testament_state	state;
		struct testament_hold	hold;
		struct testament_held	held;
		char			bytes[TESTAMENT_PAYLOAD_MAX];
	};
};

/* A connected pair, both close-on-exec and non-blocking. Return: 0 or -errno. */
int testament_pair(int ret_ends[2]);

/* @fds are borrowed. Return: 0, -EPIPE (the other is gone), or another -errno. */
int testament_send(int fd, enum testament_type type, const void *payload, const int fds[], unsigned n_fds);

/*
 * Receives one message that @from sent; its numbers are in their ranges, its strings terminated.
 * Return: 1; 0 = none is waiting; -EPIPE, -EPROTO, -EMFILE (no number for a descriptor) or another -errno.
 */
int testament_receive(int fd, enum testament_side from, struct testament_message *ret_message);

/* The address @index of @config as it is written here. */
struct testament_address testament_address(const struct config *config, unsigned index);
