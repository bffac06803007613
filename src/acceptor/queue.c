/* SPDX-License-Identifier: MIT */
/* queue - one a slot, both ends kept here; workers inherit the taking one */
#include "acceptor/room.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

static const struct queue no_queue = { .give_fd = -1, .take_fd = -1 };

static unsigned slot_of(const struct acceptor *a, const struct queue *q)
{
	return (unsigned)(q - a->queues);
}

static int queue_open(struct queue *q)
{
	int ends[2];
	int r = handoff_pair(ends);

	if (r == 0)
		*q = (struct queue){ .give_fd = ends[0], .take_fd = ends[1] };
	return r;
}

static void queue_close(struct queue *q)
{
	if (q->give_fd >= 0)
		close(q->give_fd);
	if (q->take_fd >= 0)
		close(q->take_fd);
	*q = no_queue;
}

static int add_queue(struct acceptor *a)
{
	struct queue *q = &a->queues[a->n_queues];
	int r = queue_open(q);

	a->n_queues += r == 0;
	return r;
}

static void drop_queue(struct acceptor *a)
{
	struct queue *q = &a->queues[a->n_queues - 1];

	queue_set_full(a, q, false);
	queue_close(q);
	a->n_queues--;
}

int queues_resize(struct acceptor *a, unsigned n)
{
	int r = 0;

	while (a->n_queues < n && r == 0)
		r = add_queue(a);
	while (a->n_queues > n)
		drop_queue(a);
	return r;
}

int queues_create(struct acceptor *a)
{
	a->queues = calloc(WORKERS_MAX, sizeof(*a->queues));
	return a->queues ? queues_resize(a, a->config->options.workers) : -ENOMEM;
}

unsigned queues_destroy(struct acceptor *a)
{
	unsigned n = 0;

	for (unsigned i = 0; i < a->n_queues; i++) {
		if (a->queues[i].take_fd >= 0)
			n += handoff_discard(a->queues[i].take_fd);
		queue_close(&a->queues[i]);
	}
	free(a->queues);
	return n;
}

void queues_end(struct acceptor *a)
{
	for (unsigned i = 0; i < a->n_queues; i++) {
		struct queue *q = &a->queues[i];

		if (q->give_fd >= 0)
			close(q->give_fd);
		q->give_fd = -1;
		q->read = q->full = false;
	}
}

bool queues_read(const struct acceptor *a)
{
	for (unsigned i = 0; i < a->n_queues; i++)
		if (a->queues[i].read)
			return true;
	return false;
}

/* Not in the set otherwise: what a reader does to its end would wake us without end. */
static int watch(struct acceptor *a, struct queue *q, int operation)
{
	struct epoll_event event = {
		.events = EPOLLOUT, .data.u64 = a->place.tag + NUMBER_OF_QUEUE(slot_of(a, q)),
	};

	return epoll_ctl(a->place.epoll_fd, operation, q->give_fd, &event) < 0 ? -errno : 0;
}

void queue_set_full(struct acceptor *a, struct queue *q, bool full)
{
	int r;

	if (q->full == full || q->give_fd < 0)
		return;
	r = watch(a, q, full ? EPOLL_CTL_ADD : EPOLL_CTL_DEL);
	if (full && r < 0)
		acceptor_pause(a, -r);		/* tries again in a moment instead */
	else
		q->full = full;
}

static int renew(struct acceptor *a, struct queue *q)
{
	queue_set_full(a, q, false);
	if (q->take_fd >= 0)
		(void)handoff_discard(q->take_fd);
	queue_close(q);
	q->broken = true;
	return queue_open(q);
}

int acceptor_queue(struct acceptor *a, unsigned slot)
{
	struct queue *q = &a->queues[slot];
	int r = q->broken ? renew(a, q) : 0;

	return r < 0 ? r : q->take_fd;
}

int acceptor_set_reader(struct acceptor *a, unsigned slot, bool reads, uint64_t now_ms)
{
	struct queue *q = &a->queues[slot];
	int r = 0;

	a->place.now_ms = now_ms;
	if (q->give_fd < 0 || q->read == reads)
		return 0;
	q->read = reads;
	q->stranded = !reads;
	queue_set_full(a, q, false);
	if (reads && !a->listening && !a->stopping && !a->held)
		r = acceptor_begin(a);
	acceptor_step(a);
	return r;
}

bool acceptor_is_empty(struct acceptor *a, unsigned slot, uint64_t now_ms)
{
	a->place.now_ms = now_ms;
	acceptor_step(a);
	return !a->queues[slot].stranded;
}

int acceptor_next_broken(struct acceptor *a)
{
	for (unsigned i = 0; i < a->n_queues; i++) {
		struct queue *q = &a->queues[i];

		if (!q->broken || q->told)
			continue;
		q->told = true;
		return (int)i;
	}
	return -1;
}
