/* SPDX-License-Identifier: MIT */
/* depart - slots that leave or close: when may their listeners be closed? */
#pragma once

#include "base/handshakes.h"

#include <stdint.h>

struct crew;

struct departures {
	struct handshakes	handshakes;	/* begun before they were steered around */
	uint64_t		deadline_ms;	/* then they are, whatever is queued */
};

/* A slot is LEAVING or CLOSING from now on. */
void depart_begin(struct crew *crew);
/* When depart_look() has work; 0 = never. */
uint64_t depart_next_ms(const struct crew *crew);
/* Raises CLOSED for those that leave and have nothing queued any more. */
void depart_look(struct crew *crew);
