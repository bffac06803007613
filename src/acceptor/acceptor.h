/* SPDX-License-Identifier: MIT */
/*
 * acceptor - under the round-robin model the parent accepts and hands out: what the parent uses of it
 *
 * Connection i goes to worker (i + 1) mod n, through one bounded queue a slot (bridge/handoff.h), several in
 * a message. The queue of a slot outlives its workers: a replacement goes on with it, and while a slot has
 * no reader what waits there goes to the next. When every queue is full, accepting stops; what comes then
 * waits in the kernel. Nothing here blocks.
 *
 * It has no loop of its own: its descriptors are in the parent's epoll set.
 *
 * Fails by: nobody who reads; then connections wait until somebody does.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct acceptor;
struct config;

struct acceptor_counters {
	uint64_t	accepted;
	uint64_t	given;		/* connections to queues; again when the first queue lost its reader */
	uint64_t	messages;
	uint64_t	returned;	/* taken back from a queue without a reader */
	uint64_t	held_up;	/* times every queue was full */
	uint64_t	paused;		/* times accepting stopped for want of descriptors */
};

/* Of the parent's epoll set; events come with @tag + a number below 2^16, which on_acceptor() is given. */
struct acceptor_place {
	int		epoll_fd;
	uint64_t	tag;
	uint64_t	now_ms;
};

/* acceptor.c */

/* @listen_fd: one bound socket per address, taken, on failure too. Return: 0 or -errno. */
int acceptor_create(const struct config *config, struct acceptor_place place, const int listen_fd[],
		    struct acceptor **ret_acceptor);
/* Closes everything. Return: how many connections were still waiting for a worker. NULL is fine. */
unsigned acceptor_destroy(struct acceptor *a);
const struct acceptor_counters *acceptor_counters(const struct acceptor *a);

/* Accepts nothing until it is released, because another process does still. */
void acceptor_hold(struct acceptor *a);
/* Return: 0, or -errno of listen(2). */
int acceptor_release(struct acceptor *a, uint64_t now_ms);

void on_acceptor(struct acceptor *a, unsigned number, uint64_t now_ms);
/* When acceptor_expire() has work; 0 = never. */
uint64_t acceptor_next_ms(const struct acceptor *a);
void acceptor_expire(struct acceptor *a, uint64_t now_ms);

/*
 * Takes no new connections, hands out those begun, then lets every reader see the end of its queue.
 * @shared: mask of the listeners that another process accepts from too; these are only let go.
 */
void acceptor_stop(struct acceptor *a, uint32_t shared, uint64_t now_ms);
/* Its listening sockets, one an address; borrowed. */
const int *acceptor_listeners(const struct acceptor *a);

/* queue.c */

/* The taking end of the queue of @slot, for a worker to inherit; borrowed. Return: it, or -errno. */
int acceptor_queue(struct acceptor *a, unsigned slot);
/*
 * From now on somebody reads the queue of @slot, or nobody does. Accepting begins with the first reader, unless it
 * is held.
 * Return: 0, or -errno of listen(2).
 */
int acceptor_set_reader(struct acceptor *a, unsigned slot, bool reads, uint64_t now_ms);
/* There are so many slots from now on; queues of those that are no more must be empty. Return: 0 or -errno. */
int acceptor_resize(struct acceptor *a, unsigned n_slots, uint64_t now_ms);
/* Whether nothing waits in the queue of @slot, which nobody reads, any more: it goes to others. */
bool acceptor_is_empty(struct acceptor *a, unsigned slot, uint64_t now_ms);
/* A slot whose reader has broken its queue, and is to be replaced; -1 = none. Told once. */
int acceptor_next_broken(struct acceptor *a);
