/* SPDX-License-Identifier: MIT */
/*
 * rebalance - which worker gives how many of its connections to which
 *
 * Pure. A worker is heavy that has over a tenth more than the mean, and more than a few; light, that has less. The
 * heaviest gives to the lightest, never so many that either passes the mean, so what has been moved does not come
 * back. A number counts as far as two looks agree on it: what comes and goes within a second is no skew.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define REBALANCE_LEAST 4	/* who has fewer is not heavy */
#define REBALANCE_MOST 16	/* given to one at a time; what a queue holds (bridge/handoff) */

/* Of one slot. */
struct holding {
	bool		takes_part;
	uint32_t	now;		/* connections */
	uint32_t	before;		/* at the look before */
};

struct move {
	unsigned	from;
	unsigned	to;
	unsigned	n;
};

/*
 * A slot gives in one move at most, and gets in any number.
 * @ret_moves: room for @n_slots <= WORKERS_MAX.
 * Return: how many.
 */
unsigned rebalance_decide(const struct holding holdings[], unsigned n_slots, struct move ret_moves[]);
