/* SPDX-License-Identifier: MIT */
/*
 * wheel - timers by the thousand, moved for free
 *
 * A hierarchical wheel of milliseconds: five levels of 64 places. A timer that is set later than it was
 * stays where it is filed and is filed anew when its place comes up, so the usual change (a deadline
 * pushed back by every request) is one store.
 */
#pragma once

#include "base/list.h"

#include <stdint.h>

#define WHEEL_LEVELS 5
#define WHEEL_NEVER UINT64_MAX

struct timer {
	struct list	link;
	uint64_t	deadline_ms;
	uint64_t	filed_ms;	/* the time its place stands for; not after the deadline */
};

struct wheel {
	uint64_t	now_ms;
	uint64_t	next_ms;			/* no place comes up before */
	uint64_t	occupied[WHEEL_LEVELS];		/* a bit per place */
	struct list	places[WHEEL_LEVELS][64];
};

void wheel_init(struct wheel *wheel, uint64_t now_ms);

/* WHEEL_NEVER stops it. */
void wheel_set(struct wheel *wheel, struct timer *timer, uint64_t deadline_ms);

/* When wheel_expire() should next be called: not after the first deadline, perhaps before. */
static inline uint64_t wheel_next_ms(const struct wheel *wheel)
{
	return wheel->next_ms;
}

/* The next timer that is due at @now_ms, taken out; NULL = no more. Call until NULL. */
struct timer *wheel_expire(struct wheel *wheel, uint64_t now_ms);
