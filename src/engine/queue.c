/* SPDX-License-Identifier: MIT */
#include "engine/queue.h"

#include "base/must.h"

#include <stdlib.h>
#include <string.h>

void *queue_push(struct queue *q, size_t item_bytes)
{
	if (q->tail == q->size) {
		q->size = q->size ? q->size * 2 : 64;
		q->items = realloc(q->items, q->size * item_bytes);
		must(q->items);		/* a worker without memory for this is the parent's to replace */
	}
	return (char *)q->items + item_bytes * q->tail++;
}

void queue_compact(struct queue *q, size_t item_bytes)
{
	if (q->head == 0)
		return;
	memmove(q->items, (char *)q->items + q->head * item_bytes, (q->tail - q->head) * item_bytes);
	q->tail -= q->head;
	q->head = 0;
}
