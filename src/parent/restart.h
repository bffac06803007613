/* SPDX-License-Identifier: MIT */
/*
 * restart - when does a slot get its next worker after a death, and when no more
 *
 * Pure: clock and random number are handed in. Deaths of workers that had been ready count in a sliding
 * window, per slot and for the pool; deaths before readiness count in a row as well, because with long
 * waits between them a window alone would never fill. Leaving as asked is no death.
 *
 * The wait before a restart grows with the deaths in the window. A worker that had served for longer than the
 * shortest wait is replaced at once: to wait would only take its capacity away. It counts all the same.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct restart_policy {
	uint32_t	limit;		/* deaths allowed in the window; at least 1 */
	uint32_t	window_ms;
	uint32_t	backoff_min_ms;
	uint32_t	backoff_max_ms;
	uint32_t	n_workers;
	bool		slots_only;	/* no limit to the deaths of all slots together */
};

/* The deaths of the last window, oldest first from @first; the caller owns the memory. */
struct deaths {
	uint64_t	*at_ms;
	uint32_t	 size;
	uint32_t	 first;
	uint32_t	 n;
};

struct restart_history {
	struct deaths	deaths;		/* of one slot; size restart_slot_deaths() */
	uint32_t	n_unready;	/* deaths before readiness, in a row; a worker's readiness ends it */
};

struct death {
	uint64_t	at_ms;
	bool		was_ready;
	uint32_t	random;		/* any 32 random bits: the jitter */
	uint64_t	served_ms;	/* since it was ready: a slow start is no service */
};

enum restart {
	RESTART_NOW,
	RESTART_LATER,			/* after delay_ms */
	RESTART_NEVER_SLOT,		/* the slot died too often in the window */
	RESTART_NEVER_READY,		/* the slot died too often in a row before it was ready */
	RESTART_NEVER_POOL,		/* all slots together died too often in the window */
};

struct restart_verdict {
	enum restart	what;
	uint32_t	delay_ms;
	uint32_t	n_deaths;	/* that were counted for this verdict */
	uint64_t	span_ms;	/* from the first of them to the last */
};

/* How many deaths the histories must be able to hold. */
uint32_t restart_slot_deaths(const struct restart_policy *policy);
uint32_t restart_pool_deaths(const struct restart_policy *policy);

/* Records @death in @slot and @pool and judges it. */
struct restart_verdict restart_decide(const struct restart_policy *policy, struct restart_history *slot,
				      struct deaths *pool, const struct death *death);
