/* SPDX-License-Identifier: MIT */
/*
 * deal - who gets which connection
 *
 * In strict turn among the queues that are read and have room. A batch is dealt like cards, one a queue and
 * round again, and each queue gets its hand in one message: of m connections over k queues from turn t,
 * queue (t + j) mod k gets j, j + k, j + 2k, ...
 */
#include "acceptor/room.h"

#include "base/log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static bool takes(const struct queue *q)
{
	return q->read && !q->full && !q->broken && q->give_fd >= 0;
}

/* The queues that take, in turn. Return: how many. */
static unsigned line_up(struct acceptor *a, unsigned ret_slots[WORKERS_MAX])
{
	unsigned n = 0;

	for (unsigned i = 0; i < a->n_queues; i++) {
		unsigned slot = (a->next + i) % a->n_queues;

		if (takes(&a->queues[slot]))
			ret_slots[n++] = slot;
	}
	return n;
}

static bool somebody_takes(const struct acceptor *a)
{
	for (unsigned i = 0; i < a->n_queues; i++)
		if (takes(&a->queues[i]))
			return true;
	return false;
}

static void refused(struct acceptor *a, struct queue *q, int error)
{
	if (error == -EAGAIN)
		queue_set_full(a, q, true);
	else if (error == -EPIPE)
		q->broken = true;
	else			/* ETOOMANYREFS: as many descriptors as this user may have are on their way */
		acceptor_pause(a, -error);
}

/* Gives cards j, j + k, ... to @q, as many as a message takes; given ones become -1. */
static void give_hand(struct acceptor *a, struct queue *q, unsigned j, unsigned k)
{
	unsigned at[HANDOFF_MOST];
	int hand[HANDOFF_MOST];
	unsigned n = 0;
	int r;

	for (unsigned i = j; i < a->n_pending && n < HANDOFF_MOST; i += k) {
		at[n] = i;
		hand[n++] = a->pending[i];
	}
	if (n == 0)
		return;
	r = handoff_give(q->give_fd, hand, n);
	if (r < 0) {
		refused(a, q, r);
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		close(hand[i]);
		a->pending[at[i]] = -1;
	}
	a->counters.given += n;
	a->counters.messages++;
}

static void close_ranks(struct acceptor *a)
{
	unsigned n = 0;

	for (unsigned i = 0; i < a->n_pending; i++)
		if (a->pending[i] >= 0)
			a->pending[n++] = a->pending[i];
	a->n_pending = n;
}

/* Return: whether there is more to deal and somebody to take it. */
static bool deal_round(struct acceptor *a)
{
	unsigned slots[WORKERS_MAX];
	unsigned k = line_up(a, slots);
	unsigned n = a->n_pending;

	if (n == 0 || k == 0 || a->again_ms != 0)
		return false;
	for (unsigned j = 0; j < k && j < n; j++)
		give_hand(a, &a->queues[slots[j]], j, k);
	close_ranks(a);
	a->next = (slots[(n - 1) % k] + 1) % a->n_queues;
	return true;
}

void deal_out(struct acceptor *a)
{
	while (deal_round(a))
		;
	if (a->n_pending > 0 && a->again_ms == 0)
		a->counters.held_up++;
}

bool deal_apart(struct acceptor *a, int fd)
{
	unsigned slots[WORKERS_MAX];
	unsigned n = line_up(a, slots);

	for (unsigned i = 0; i < n; i++)
		if (handoff_give(a->queues[slots[i]].give_fd, &fd, 1) == 0) {
			close(fd);
			return true;
		}
	return false;
}

static void take_back(struct acceptor *a, struct queue *q)
{
	while (q->stranded && a->n_pending + HANDOFF_MOST <= PENDING_MOST) {
		unsigned n_lost = 0;
		int n = handoff_take(q->take_fd, a->pending + a->n_pending, &n_lost);

		if (n < 0) {
			q->stranded = false;
			return;
		}
		a->n_pending += (unsigned)n;
		a->counters.returned += (unsigned)n;
		if (n_lost > 0)
			log_warn("acceptor: no descriptors for %u connections of a lost worker, which are lost too",
				 n_lost);
	}
}

bool deal_back(struct acceptor *a)
{
	unsigned n = a->n_pending;

	if (!somebody_takes(a))
		return false;
	for (unsigned i = 0; i < a->n_queues; i++)
		take_back(a, &a->queues[i]);
	return a->n_pending > n;
}
