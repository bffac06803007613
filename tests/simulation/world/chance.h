/* SPDX-License-Identifier: MIT */
/*
 * chance - all that is left to it, from one seed
 *
 * What goes wrong has a name. In each world a few of them are possible, chosen by its seed; a place that asks
 * for one gets it now and then (FoundationDB calls this BUGGIFY).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* name, one in how many */
#define FAULTS(X)									\
	X(ACCEPT_SCARCE,   12, "accept4: no descriptor, or no memory for one")		\
	X(ACCEPT_ABORTED,  12, "accept4: the connection has failed in the queue")	\
	X(RECV_ERROR,      60, "a receive fails")					\
	X(RECV_STARVED,    12, "a receive finds no buffer")				\
	X(RECV_ENDED,       6, "receiving ends after a piece, and must be asked for again") \
	X(SEND_ERROR,      60, "a send fails")						\
	X(SEND_CUT,        60, "a send fails half way")					\
	X(FILE_ERROR,       8, "sendfile fails")					\
	X(POLL_ENDED,       3, "watching ends after an event")				\
	X(POLL_REFUSED,    10, "a listener cannot be watched")				\
	X(POLL_SPURIOUS,    6, "an event without a cause")				\
	X(TURN_EMPTY,       4, "a wait that ends without an event")			\
	X(NO_MEMORY,      100, "malloc: none")						\
	X(NO_FORK,          4, "a process cannot be made")				\
	X(NO_PIDFD,         8, "a process cannot be watched")				\
	X(PIDFD_REFUSED,    4, "pidfds are refused")					\
	X(NO_DESCRIPTORS,   8, "a message loses the descriptors it carries")		\
	X(CHANNEL_FULL,     8, "a channel has no room")					\
	X(BIND_FAILED,      8, "an address cannot be bound")				\
	X(LISTEN_FAILED,   12, "a socket cannot listen")				\
	X(NO_PROGRAM,       4, "a group takes no program")				\
	X(NO_URING,         2, "the ring is refused")					\
	X(IMPOSTOR,         3, "a worker that is none")				\
	X(DIES_WOKEN,       4, "who was woken for a connection is killed before it can look")	\
	X(RESET_OVERTAKES,  1, "a reset destroys what was not read yet")

enum fault {
#define FAULT(name, one_in, meaning) FAULT_##name,
	FAULTS(FAULT)
#undef FAULT
	N_FAULTS
};

void chance_begin(uint64_t seed);
uint64_t chance_bits(void);
/* 0..n-1 */
uint64_t chance_below(uint64_t n);
static inline bool chance_one_in(uint64_t n)
{
	return chance_below(n) == 0;
}
/* Whether it happens now. */
bool chance_of(enum fault fault);
/* Whether it may happen in this world at all. */
bool chance_possible(enum fault fault);
