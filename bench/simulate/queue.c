/* SPDX-License-Identifier: MIT */
/*
 * simulate_queue - jobs, first in, first out, in a ring that grows
 */
#include "simulate.h"

#include <err.h>
#include <stdlib.h>

static void queue_grow(struct queue *q)
{
	size_t room = q->room ? 2 * q->room : 16;
	struct job *jobs = malloc(room * sizeof(*jobs));

	if (!jobs)
		err(1, "a queue of %zu", room);
	for (size_t i = 0; i < q->n; i++)
		jobs[i] = q->jobs[(q->head + i) & (q->room - 1)];
	free(q->jobs);
	q->jobs = jobs;
	q->room = room;
	q->head = 0;
}

void queue_push(struct queue *q, const struct job *job)
{
	if (q->n == q->room)
		queue_grow(q);
	q->jobs[(q->head + q->n++) & (q->room - 1)] = *job;
}

struct job queue_pop(struct queue *q)
{
	struct job job = q->jobs[q->head];

	q->head = (q->head + 1) & (q->room - 1);
	q->n--;
	return job;
}

void queue_finish(struct queue *q)
{
	free(q->jobs);
	*q = (struct queue){ 0 };
}
