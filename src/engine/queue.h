/* SPDX-License-Identifier: MIT */
/* queue - first in, first out; moved to the front once a turn */
#pragma once

#include <stddef.h>

struct queue {
	void		*items;
	unsigned	 head, tail, size;
};

/* Room for one more item at the end. */
void *queue_push(struct queue *q, size_t item_bytes);
/* Moves what is still queued to the front. */
void queue_compact(struct queue *q, size_t item_bytes);
