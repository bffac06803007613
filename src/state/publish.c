/* SPDX-License-Identifier: MIT */
/*
 * publish - an entry written into free blocks, then named by a slot with one store
 *
 * Fails by: -ENOSPC, or -EAGAIN when the shard was found broken; then nothing has changed.
 */
#include "state/room.h"

#include <errno.h>

struct pen {
	struct block	*block;
	unsigned	 at;
};

/* Return: false when somebody has written into the chain. */
static bool put(const struct state *st, struct shard *sh, struct pen *pen, const uint64_t *words, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (pen->at == BLOCK_WORDS) {
			uint32_t next = link_next(pen->block);

			if (next >= st->n_blocks)
				return false;
			pen->block = block_at(st, sh, next);
			pen->at = NEXT_SKIP;
		}
		store(&pen->block->words[pen->at++], words[i]);
	}
	return true;
}

static bool write_entry(const struct state *st, struct shard *sh, uint32_t first, const struct state_key *key,
			const struct entry *e)
{
	struct block *b = block_at(st, sh, first);
	struct pen pen = { b, HEAD_SKIP };

	store(&b->words[1], lengths_make(e->len, key->len, e->kind));
	store(&b->words[2], e->expires_ms);
	store(&b->number, (uint64_t)e->number);
	if (!put(st, sh, &pen, key->words, words_of(key->len)) || !put(st, sh, &pen, e->words, words_of(e->len)))
		return false;
	atomic_store_explicit(&b->version, ++sh->version, memory_order_release);
	return true;
}

uint64_t expiry(uint64_t ttl_ms)
{
	return ttl_ms == 0 ? 0 : state_now_ms() + ttl_ms;
}

int publish(struct state *st, struct shard *sh, const struct state_key *key, const struct found *old,
	    const struct entry *e, uint64_t *ret_version)
{
	uint32_t n = blocks_of(key->len, e->len), first;
	_Atomic uint64_t *slot;
	struct found still = { .slot = NULL };
	bool replaces = old != NULL;
	int r = make_room(st, sh, n, replaces);

	if (r == 0)		/* which may have cost the old one */
		replaces = replaces && find_locked(st, sh, key, &still);
	slot = r < 0 ? NULL : replaces ? still.slot : free_slot(st, sh, key->hash);
	if (!slot) {
		state_counts.refusals++;
		return -ENOSPC;
	}
	first = take_blocks(st, sh, n);
	if (first == UINT32_MAX)
		return -EAGAIN;
	if (!write_entry(st, sh, first, key, e)) {
		repair(st, sh);
		return -EAGAIN;
	}
	if (ret_version)
		*ret_version = sh->version;
	if (e->expires_ms != 0 && (sh->earliest_ms == 0 || e->expires_ms < sh->earliest_ms))
		sh->earliest_ms = e->expires_ms;
	atomic_store_explicit(slot, slot_make(key->hash, first), memory_order_release);
	sh->n_entries++;
	if (replaces)
		retire(st, sh, still.block, still.lengths);
	tell_change(st, sh, key);
	return 0;
}
