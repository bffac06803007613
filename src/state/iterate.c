/* SPDX-License-Identifier: MIT */
/*
 * iterate - every key once, a bounded piece at a time
 *
 * A key keeps its slot as long as it lives, so the slots in their order, whatever happens meanwhile, are every key that
 * is there from the beginning to the end, once.
 */
#include "state/room.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#define SLOTS_AT_ONCE 4096

/* Return: whether there was a whole one. */
static bool copy_key(const struct state *st, struct shard *sh, uint32_t block, uint64_t lengths, uint64_t words[])
{
	const struct block *b = block_at(st, sh, block);
	unsigned at = HEAD_SKIP;

	for (unsigned i = 0; i < words_of(key_len_of(lengths)); i++, at++) {
		if (at == BLOCK_WORDS) {
			uint32_t next = link_next(b);

			if (next >= st->n_blocks)
				return false;
			b = block_at(st, sh, next);
			at = NEXT_SKIP;
		}
		words[i] = load(&b->words[at]);
	}
	return true;
}

/* Return: its length, 0 = there is none here, UINT_MAX = a writer was faster. */
static unsigned look_at(const struct state *st, struct shard *sh, _Atomic uint64_t *slot, uint64_t words[])
{
	uint32_t block = slot_block(atomic_load_explicit(slot, memory_order_acquire));
	uint64_t version, lengths;
	struct block *b;
	bool whole, expired;

	if (block >= st->n_blocks)
		return 0;
	b = block_at(st, sh, block);
	version = atomic_load_explicit(&b->version, memory_order_acquire);
	lengths = load(&b->words[1]);
	expired = has_expired(load(&b->words[2]));
	whole = lengths_valid(lengths) && copy_key(st, sh, block, lengths, words);
	atomic_thread_fence(memory_order_acquire);
	if (!whole || version == 0 || load(&b->version) != version)
		return UINT_MAX;
	return expired ? 0 : key_len_of(lengths);
}

static unsigned key_at(const struct state *st, struct shard *sh, _Atomic uint64_t *slot, uint64_t words[])
{
	unsigned len = UINT_MAX;

	for (unsigned i = 0; i < TRIES && len == UINT_MAX; i++)
		len = look_at(st, sh, slot, words);
	return len == UINT_MAX ? 0 : len;
}

int state_next(struct state *st, char owner, uint64_t *cursor, char *key, size_t size)
{
	uint64_t n_of_shard = (uint64_t)st->n_buckets * BUCKET_SLOTS, n = n_of_shard * st->n_shards;
	uint64_t words[(STATE_KEY_MAX + 7) / 8] = { 0 };

	for (unsigned i = 0; i < SLOTS_AT_ONCE; i++) {
		uint64_t at = *cursor;
		struct shard *sh = shard_at(st, (unsigned)(at < n ? at / n_of_shard : 0));
		uint32_t slot = (uint32_t)(at % n_of_shard);
		unsigned len;

		if (at >= n)
			return 0;
		len = key_at(st, sh, &bucket_at(st, sh, slot / BUCKET_SLOTS)->slots[slot % BUCKET_SLOTS], words);
		if (len > 1 && *(char *)words == owner) {
			if (len > size)
				return -ENOSPC;
			memcpy(key, (char *)words + 1, len - 1);
			key[len - 1] = '\0';
			(*cursor)++;
			return (int)len - 1;
		}
		(*cursor)++;
	}
	return -EAGAIN;
}
