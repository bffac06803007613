/* SPDX-License-Identifier: MIT */
/*
 * blocks - what is free of a shard, and who has to go when nothing is
 *
 * What has been free for longest is used first, so that whoever reads an entry that was just replaced can do so in peace.
 *
 * Eviction is CLOCK: a hand goes round the slots; who has been used since it last came by is passed over once. What has
 * expired goes first, wherever nothing is evicted it alone.
 */
#include "state/room.h"

#include <errno.h>

#define RESTING 32	/* free blocks that are not used again while there are fresh ones: somebody may still read there */

static void give_back(const struct state *st, struct shard *sh, uint32_t block)
{
	link_set_free(block_at(st, sh, block), 0);
	if (sh->free == 0)
		sh->free = block + 1;
	else if (sh->last - 1 < st->n_blocks)
		link_set_free(block_at(st, sh, sh->last - 1), block + 1);
	sh->last = block + 1;
	sh->n_free++;
}

void retire(const struct state *st, struct shard *sh, uint32_t block, uint64_t lengths)
{
	uint32_t n = blocks_of(key_len_of(lengths), value_len_of(lengths));
	uint64_t at = block;

	for (; n > 0 && at < st->n_blocks; n--) {
		uint32_t next = link_next(block_at(st, sh, (uint32_t)at));

		give_back(st, sh, (uint32_t)at);
		at = next;
	}
	sh->n_entries--;
}

static uint32_t take_one(const struct state *st, struct shard *sh)
{
	uint32_t n_used = sh->n_free - (st->n_blocks - sh->fresh), block;

	if (sh->fresh < st->n_blocks && n_used <= RESTING) {
		block = sh->fresh++;
	} else {
		block = sh->free - 1;
		if (block >= st->n_blocks)
			return UINT32_MAX;
		sh->free = link_free(block_at(st, sh, block));
	}
	sh->n_free--;
	store(&block_at(st, sh, block)->version, 0);
	atomic_thread_fence(memory_order_release);	/* whoever has read what follows sees this when it looks again */
	return block;
}

uint32_t take_blocks(const struct state *st, struct shard *sh, uint32_t n)
{
	uint32_t first = UINT32_MAX, before = UINT32_MAX;

	for (; n > 0; n--) {
		uint32_t block = take_one(st, sh);

		if (block == UINT32_MAX) {
			repair(st, sh);
			return UINT32_MAX;
		}
		if (before == UINT32_MAX)
			first = block;
		else
			store(&block_at(st, sh, before)->words[0], block);
		before = block;
	}
	atomic_store_explicit(seen_at(st, sh, first), 0, memory_order_relaxed);
	return first;
}

/* Empties @slot, whatever it names. */
static void empty(const struct state *st, struct shard *sh, _Atomic uint64_t *slot)
{
	uint32_t block = slot_block(load(slot));
	uint64_t lengths = block < st->n_blocks ? load(&block_at(st, sh, block)->words[1]) : 0;

	atomic_store_explicit(slot, 0, memory_order_release);
	if (lengths_valid(lengths))
		retire(st, sh, block, lengths);
}

static uint64_t expiry_at(const struct state *st, struct shard *sh, uint64_t named)
{
	return slot_block(named) < st->n_blocks ? load(&block_at(st, sh, slot_block(named))->words[2]) : 0;
}

/* Whether what @slot names may go at this round of the hand. */
static bool may_go(const struct state *st, struct shard *sh, uint64_t named)
{
	_Atomic uint8_t *seen = seen_at(st, sh, slot_block(named) < st->n_blocks ? slot_block(named) : 0);

	if (has_expired(expiry_at(st, sh, named)))
		return true;
	if (!st->evicts)
		return false;
	if (atomic_load_explicit(seen, memory_order_relaxed) == 0)
		return true;
	atomic_store_explicit(seen, 0, memory_order_relaxed);
	return false;
}

/* Lets one go. Return: false when the hand found nobody in two rounds. */
static bool evict(const struct state *st, struct shard *sh)
{
	uint32_t n = st->n_buckets * BUCKET_SLOTS;

	for (uint32_t i = 0; i < 2 * n; i++) {
		uint32_t hand = sh->hand++ % n;
		_Atomic uint64_t *slot = &bucket_at(st, sh, hand / BUCKET_SLOTS)->slots[hand % BUCKET_SLOTS];

		if (load(slot) == 0 || !may_go(st, sh, load(slot)))
			continue;
		state_counts.evictions += !has_expired(expiry_at(st, sh, load(slot)));
		empty(st, sh, slot);
		return true;
	}
	return false;
}

/* Everything that has, and when the next one will. */
static void sweep(const struct state *st, struct shard *sh)
{
	uint64_t earliest = 0;

	for (uint32_t i = 0; i < st->n_buckets * BUCKET_SLOTS; i++) {
		_Atomic uint64_t *slot = &bucket_at(st, sh, i / BUCKET_SLOTS)->slots[i % BUCKET_SLOTS];
		uint64_t expires_ms = load(slot) != 0 ? expiry_at(st, sh, load(slot)) : 0;

		if (expires_ms == 0)
			continue;
		if (has_expired(expires_ms))
			empty(st, sh, slot);
		else if (earliest == 0 || expires_ms < earliest)
			earliest = expires_ms;
	}
	sh->earliest_ms = earliest;
}

int make_room(const struct state *st, struct shard *sh, uint32_t n, bool replacing)
{
	if (!st->evicts && !replacing)
		n += st->n_reserved;
	if (sh->n_free < n && has_expired(sh->earliest_ms))
		sweep(st, sh);
	while (sh->n_free < n)
		if (!st->evicts || !evict(st, sh))
			return -ENOSPC;
	return 0;
}

_Atomic uint64_t *free_slot(const struct state *st, struct shard *sh, uint64_t hash)
{
	struct bucket *buckets[2];
	unsigned n_empty[2] = { 0, 0 }, better;

	for (unsigned choice = 0; choice < 2; choice++) {
		buckets[choice] = bucket_at(st, sh, bucket_of(st, hash, choice));
		for (unsigned i = 0; i < BUCKET_SLOTS; i++)
			n_empty[choice] += load(&buckets[choice]->slots[i]) == 0;
	}
	better = n_empty[1] > n_empty[0];
	for (unsigned i = 0; i < 3 * BUCKET_SLOTS; i++) {	/* twice more if nothing is empty, for those seen */
		_Atomic uint64_t *slot = &buckets[better]->slots[i % BUCKET_SLOTS];

		if (load(slot) != 0 && (i < BUCKET_SLOTS || !may_go(st, sh, load(slot))))
			continue;
		if (load(slot) != 0) {
			state_counts.evictions += !has_expired(expiry_at(st, sh, load(slot)));
			empty(st, sh, slot);
		}
		return slot;
	}
	return NULL;
}
