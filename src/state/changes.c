/* SPDX-License-Identifier: MIT */
/*
 * changes - what was changed, for those who watch
 *
 * Each shard has a ring of the last keys, written under its lock once anybody has watched. A watcher that has seen all
 * arms a number before it looks once more and waits; whoever changes something and finds a number writes to the eventfd
 * and takes that number away. So many changes are one system call while the watcher is on its way, and one that dies
 * in between only leaves the number to the next.
 */
#include "state/room.h"

#include <sys/eventfd.h>

bool changes_wanted(const struct state *st)
{
	return load(&st->region->watched) != 0;
}

/* Nobody reads it: each write wakes every worker that watches, for io_uring and epoll tell of arrivals. */
static void wake(const struct state *st)
{
	struct region *region = st->region;
	uint64_t armed;

	atomic_thread_fence(memory_order_seq_cst);	/* the change, then the look */
	armed = load(&region->armed);
	if (armed == 0)
		return;
	(void)eventfd_write(st->event_fd, 1);
	(void)atomic_compare_exchange_strong(&region->armed, &armed, 0);
}

void tell_change(struct state *st, struct shard *sh, const struct state_key *key)
{
	uint64_t number = load(&sh->changed) + 1;
	struct change *c = change_at(sh, number);

	atomic_thread_fence(memory_order_seq_cst);	/* the change, then this: who begins to watch does so before it reads */
	if (!changes_wanted(st))
		return;
	store(&c->number, 0);
	atomic_thread_fence(memory_order_release);
	store(&c->len, key->len);
	for (unsigned i = 0; i < words_of(key->len) && i < CHANGE_WORDS; i++)
		store(&c->words[i], key->words[i]);
	atomic_store_explicit(&c->number, number, memory_order_release);
	atomic_store_explicit(&sh->changed, number, memory_order_release);
	wake(st);
}

void tell_lost(const struct state *st, struct shard *sh)
{
	if (!changes_wanted(st))
		return;
	store(&sh->lost, load(&sh->lost) + 1);
	wake(st);
}
