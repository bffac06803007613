/* SPDX-License-Identifier: MIT */
/*
 * channel - what parent and worker say to each other
 *
 * A SOCK_SEQPACKET pair, one message a packet: a type, a payload of exactly that type's size, and for
 * some types one descriptor (SCM_RIGHTS). Sender, size and descriptor are checked here, in one place,
 * before anyone sees a message. Neither side blocks: a full channel is -EAGAIN to the sender.
 *
 * Fails by: -EPROTO for a message that breaks this grammar (its descriptors are closed), -EPIPE when
 * the other side is gone.
 */
#pragma once

#include "bridge/config.h"
#include "bridge/stored.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Beside the addresses' in a mask. */
#define DRAIN_QUEUE (1u << LISTENERS_MAX)

enum side { FROM_PARENT, FROM_WORKER };

struct listener_msg {
	uint32_t	index;		/* of the address, 0..n_listeners-1 */
};

struct ready_msg {
	uint32_t	engine;		/* enum brood_engine, never AUTO */
	char		why[124];	/* why not io_uring; empty when it is; terminated */
};

struct failed_msg {
	char		reason[256];	/* one line, terminated */
};

struct suicide_msg {
	char		reason[64];	/* terminated */
};

struct overrun_msg {
	char		reason[64];	/* terminated */
};

struct crash_msg {
	int32_t		signal;
	uint32_t	in_flight;
	uint64_t	address;	/* si_addr */
	uint64_t	fingerprint;	/* of the request being handled; 0 = none */
	char		request[160];	/* the request line being handled, cut; empty when none; terminated */
};

struct drain_msg {
	uint32_t	timeout_ms;	/* 0 = now */
	uint32_t	last;		/* mask of the addresses whose sockets nobody inherits: empty their
					 * queues first; and DRAIN_QUEUE, the same for what is handed to the slot */
};

struct drained_msg {
	uint32_t	cut;		/* connections that had to be cut */
};

struct shared_msg {
	uint32_t	addresses;	/* a mask */
};

struct lend_msg {
	uint32_t	slot;		/* whose listener it is */
	uint32_t	index;
};

struct log_msg {
	uint32_t	access;		/* 0 = it is the log, 1 = the access log */
	uint32_t	last;		/* 1 = say REOPENED */
};

struct shed_msg {
	uint32_t	n;		/* connections at most */
};

struct store_msg {
	char	name[STORED_NAME_BYTES];	/* terminated */
};

/* name, sender, payload bytes, descriptors, meaning */
#define CHANNEL_MESSAGES(X)									\
	X(LISTENER, FROM_WORKER, sizeof(struct listener_msg), 1, "my bound socket: listen on it, keep a duplicate")	\
	X(READY,    FROM_WORKER, sizeof(struct ready_msg),    0, "could accept")				\
	X(FAILED,   FROM_WORKER, sizeof(struct failed_msg),   0, "cannot start, and why; I exit")	\
	X(SUICIDE,  FROM_WORKER, sizeof(struct suicide_msg),  0, "must go: replace me first")		\
	X(CRASH,    FROM_WORKER, sizeof(struct crash_msg),    0, "dying of a fault; the core follows")	\
	X(FAULT,    FROM_WORKER, sizeof(struct crash_msg),    0, "a handler faulted; I go on")	\
	X(OVERRUN,  FROM_WORKER, sizeof(struct overrun_msg),  0, "a task process that runs what nobody waits for: I exit")	\
	X(DRAINED,  FROM_WORKER, sizeof(struct drained_msg),  0, "nothing in flight; I exit")		\
	X(STORE,    FROM_WORKER, sizeof(struct store_msg),    1, "of a program: keep this for who comes after me")	\
	X(FORGET,   FROM_WORKER, sizeof(struct store_msg),    0, "of a program: what I have stored by that name")	\
	X(REOPENED, FROM_WORKER, 0,                           0, "nothing more goes to the old logs")	\
	X(ACK,      FROM_PARENT, 0,                           0, "suicide heard, replacement on its way") \
	X(ACCEPT,   FROM_PARENT, 0,                           0, "your sockets listen: accept")		\
	X(DRAIN,    FROM_PARENT, sizeof(struct drain_msg),    0, "stop accepting, finish, leave")	\
	X(LOOK,     FROM_PARENT, 0,                           0, "one that was woken for a connection may have died: look") \
	X(SHARED,   FROM_PARENT, sizeof(struct shared_msg),   0, "sockets of these addresses are another pool's as well") \
	X(LEND,     FROM_PARENT, sizeof(struct lend_msg),     1, "accept from this listener too")	\
	X(RETURN,   FROM_PARENT, sizeof(struct lend_msg),     0, "accept from it no longer")	\
	X(SHED,     FROM_PARENT, sizeof(struct shed_msg),     1, "give idle connections into this inbox of a sibling")	\
	X(LOG,      FROM_PARENT, sizeof(struct log_msg),      1, "write your log to this file from now on")	\
	X(HEIR,     FROM_PARENT, 0,                           1, "when you drain, give all of them into this one")

enum channel_type {
#define TYPE(name, sender, bytes, n_fds, meaning) CHANNEL_##name,
	CHANNEL_MESSAGES(TYPE)
#undef TYPE
	CHANNEL_N_TYPES
};

#define CHANNEL_PAYLOAD_MAX 256

struct message {
	uint32_t	type;		/* enum channel_type */
	uint32_t	size;		/* of the payload */
	int		fd;		/* -1, or owned by the receiver */
	union {
		struct listener_msg	listener;
		struct ready_msg	ready;
		struct failed_msg	failed;
		struct suicide_msg	suicide;
		struct overrun_msg	overrun;
		struct crash_msg	crash;
		struct drain_msg	drain;
		struct drained_msg	drained;
		struct shared_msg	shared;
		struct lend_msg		lend;
		struct shed_msg		shed;
		struct store_msg	store;
		struct log_msg		log;
		char			bytes[CHANNEL_PAYLOAD_MAX];
	};
};

/* A connected pair, both close-on-exec and non-blocking. ret_ends[0] is the parent's. Return: 0 or -errno. */
int channel_pair(int ret_ends[2]);

/*
 * Sends @type with the payload @type has; @payload may be NULL when it has none, @fd is borrowed, -1 = none.
 * Async-signal-safe. Return: 0, -EAGAIN (full), -EPIPE (the other side is gone), or another -errno.
 */
int channel_send(int channel_fd, enum channel_type type, const void *payload, int fd);

/*
 * Receives one message that @from sent. Strings in it are terminated.
 * Return: 1 and *ret_message (its fd is the caller's to close); 0 = none waiting;
 * -EPIPE = the other side is gone; -EPROTO = not in the grammar, nothing to close.
 */
int channel_receive(int channel_fd, enum side from, struct message *ret_message);

const char *channel_type_name(enum channel_type type);
