/* SPDX-License-Identifier: MIT */
/*
 * repair - a shard whose writer has died: what the slots name is there, every other block is free
 *
 * It holds whatever the writer was at, because an entry is published, replaced and taken away by one store into its slot.
 * Being killed here is being killed with the lock: the next one begins anew.
 */
#include "state/room.h"

#include <string.h>

static uint64_t *marks_of(const struct state *st, struct shard *sh)
{
	return (uint64_t *)((char *)sh + st->marks_at);
}

static bool is_marked(const uint64_t *marks, uint32_t block)
{
	return marks[block / 64] >> block % 64 & 1;
}

/* Return: whether the chain of @n blocks from @first is whole, and no block of it another's. */
static bool chain_is_whole(const struct state *st, struct shard *sh, const uint64_t *marks, uint32_t first, uint32_t n)
{
	uint64_t block = first;

	for (; n > 0; n--) {
		if (block >= st->n_blocks || is_marked(marks, (uint32_t)block))
			return false;
		block = link_next(block_at(st, sh, (uint32_t)block));
	}
	return true;
}

static uint32_t mark_chain(const struct state *st, struct shard *sh, uint64_t *marks, uint32_t block, uint32_t n)
{
	uint32_t most = 0;

	for (; n > 0; n--) {
		marks[block / 64] |= UINT64_C(1) << block % 64;
		most = block > most ? block : most;
		block = link_next(block_at(st, sh, block));
	}
	return most;
}

/* Return: the block after the last one of it. */
static uint32_t keep_entry(const struct state *st, struct shard *sh, uint64_t *marks, _Atomic uint64_t *slot)
{
	uint32_t block = slot_block(load(slot)), n;
	struct block *b = block_at(st, sh, block < st->n_blocks ? block : 0);
	uint64_t lengths = load(&b->words[1]), expires_ms = load(&b->words[2]);

	n = lengths_valid(lengths) ? blocks_of(key_len_of(lengths), value_len_of(lengths)) : 0;
	if (block >= st->n_blocks || n == 0 || load(&b->version) == 0 || !chain_is_whole(st, sh, marks, block, n)) {
		store(slot, 0);
		return 0;
	}
	sh->n_entries++;
	if (load(&b->version) > sh->version)
		sh->version = load(&b->version);
	if (expires_ms != 0 && (sh->earliest_ms == 0 || expires_ms < sh->earliest_ms))
		sh->earliest_ms = expires_ms;
	return mark_chain(st, sh, marks, block, n) + 1;
}

static void free_others(const struct state *st, struct shard *sh, const uint64_t *marks)
{
	sh->free = sh->last = 0;
	sh->n_free = st->n_blocks - sh->fresh;
	for (uint32_t i = sh->fresh; i-- > 0;) {
		struct block *b = block_at(st, sh, i);

		if (is_marked(marks, i))
			continue;
		store(&b->version, 0);		/* because its chain may lie before it, and be used again first */
		link_set_free(b, sh->free);
		sh->free = i + 1;
		if (sh->last == 0)
			sh->last = i + 1;
		sh->n_free++;
	}
}

void repair(const struct state *st, struct shard *sh)
{
	uint64_t *marks = marks_of(st, sh);
	uint32_t end = 0;

	memset(marks, 0, (st->n_blocks + 63) / 64 * sizeof(*marks));
	sh->n_entries = 0;
	sh->earliest_ms = 0;
	for (uint32_t i = 0; i < st->n_buckets * BUCKET_SLOTS; i++) {
		_Atomic uint64_t *slot = &bucket_at(st, sh, i / BUCKET_SLOTS)->slots[i % BUCKET_SLOTS];
		uint32_t behind = load(slot) != 0 ? keep_entry(st, sh, marks, slot) : 0;

		end = behind > end ? behind : end;
	}
	if (sh->fresh < end || sh->fresh > st->n_blocks)
		sh->fresh = st->n_blocks;
	free_others(st, sh, marks);
}
