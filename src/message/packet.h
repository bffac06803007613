/* SPDX-License-Identifier: MIT */
/*
 * packet - what goes over a mail socket: an envelope, and behind it letters, a notice or an event
 *
 * Each worker, and the helper of the parent's, has a SOCK_SEQPACKET pair for what programs say to each other, apart
 * from the channel, so that none of it is ever in the way of control. A packet has letters for one recipient, in
 * the order they were sent; a letter that carries a descriptor, or is too large to be in a packet, has one of its
 * own. The parent passes packets on as they are, with the sender's name written over whatever was there.
 *
 * Fails by: packet_check() saying no.
 */
#pragma once

#include "base/address.h"
#include "brood.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACKET_FDS_MOST 2		/* the text of a large letter, and what it carries */

/* kind, who may send it, meaning */
#define PACKET_KINDS(X)										\
	X(LETTERS,  true,  "for a recipient; to it: from a sender")				\
	X(REFUSED,  true,  "letters of .from_id that nobody here wants")			\
	X(RETURNED, false, "your letters that did not reach anybody, and why")			\
	X(EVENT,    false, "something has happened; to the helper alone")

enum packet_kind {
#define KIND(name, from_anybody, meaning) PACKET_##name,
	PACKET_KINDS(KIND)
#undef KIND
	PACKET_N_KINDS
};

/* In envelope.flags. */
#define ENVELOPE_LARGE	1u	/* the one letter is in the first descriptor, and has that size */
#define ENVELOPE_HANDLE	2u	/* the last descriptor is the letter's own */

struct envelope {
	uint32_t	kind;		/* enum packet_kind */
	uint32_t	flags;
	uint32_t	n;		/* letters */
	uint32_t	to;		/* enum brood_to */
	uint32_t	which;		/* the slot or the worker, by to */
	uint32_t	serial;		/* of the packets to this recipient; the parent's */
	uint32_t	from_id;	/* the parent's to say; 0 = itself, or its helper */
	uint32_t	from_slot;
	int32_t		error;		/* of RETURNED and REFUSED: negative */
	uint32_t	id;		/* of RETURNED: the worker it did not reach; 0 = there was none */
	uint64_t	first;		/* number of the first letter; the others count on */
};

/* Before each letter, which is padded to a multiple of 8. */
struct letter {
	uint64_t	size;
};

#define PACKET_LETTER_MAX	BROOD_MESSAGE_INLINE
#define PACKET_BATCH_BYTES	16384u		/* more letters are not put into one packet */
#define PACKET_BYTES_MAX	(sizeof(struct envelope) + sizeof(struct letter) + PACKET_LETTER_MAX)

/* What the parent tells its helper; behind an envelope. */
struct event_note {
	uint32_t	type;		/* enum brood_event_type; BROOD_N_EVENTS = just to be known */
	uint32_t	id;
	uint32_t	slot;
	uint32_t	generation;
	int32_t		pid;
	int32_t		exit_code;
	int32_t		signal;
	uint32_t	exited_after_disconnect;
	int32_t		address_type;
	uint32_t	port;
	uint64_t	n;
	uint64_t	time_ms;	/* since 1970 */
	char		address[ADDRESS_TEXT_BYTES];	/* terminated */
	char		cause[256];	/* terminated */
};

/* Whether @packet, of @size bytes with @n_fds descriptors, is what @from_parent or anybody else may send. */
bool packet_check(const void *packet, size_t size, unsigned n_fds, bool from_parent);

static inline size_t letter_span(size_t size)
{
	return sizeof(struct letter) + ((size + 7) & ~(size_t)7);
}

/* The letter at *at, which becomes the place of the next; of a packet that was checked. */
const void *packet_letter(const void *packet, size_t *at, uint64_t *ret_size);
