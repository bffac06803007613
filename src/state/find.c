/* SPDX-License-Identifier: MIT */
/*
 * find - where a key is
 *
 * Without the lock what is found may be gone the next moment: whoever reads on compares the version again behind it.
 * The one thing that a reader writes is a byte beside the entry that says it was used, and only when it does not say so
 * already.
 */
#include "state/room.h"

#include <errno.h>

bool key_is_at(const struct state *st, const struct shard *sh, uint32_t block, uint64_t lengths,
	       const struct state_key *key)
{
	const struct block *b = block_at(st, sh, block);
	unsigned n = words_of(key->len), at = HEAD_SKIP;

	if (key_len_of(lengths) != key->len)
		return false;
	for (unsigned i = 0; i < n; i++, at++) {
		if (at == BLOCK_WORDS) {
			uint32_t next = link_next(b);

			if (next >= st->n_blocks)
				return false;
			b = block_at(st, sh, next);
			at = NEXT_SKIP;
		}
		if (load(&b->words[at]) != key->words[i])
			return false;
	}
	return true;
}

/* One way through the caches instead of two, when others add as well. */
static inline void want_to_write(const struct block *b)
{
#if defined(__x86_64__)
	__asm__ volatile("prefetchw %0" : : "m"(*b));
#endif
}

enum look { HERE, ELSEWHERE, MOVED };

/* What @slot names, with its version compared before and behind. */
static inline enum look look_at(const struct state *st, struct shard *sh, _Atomic uint64_t *slot, const struct state_key *key,
			 bool adds, struct found *f)
{
	uint64_t named = atomic_load_explicit(slot, memory_order_acquire);
	struct block *b;
	bool same;

	if ((named ^ tag_of(key->hash)) >> 32 != 0 || slot_block(named) >= st->n_blocks)
		return ELSEWHERE;
	*f = (struct found){ .shard = sh, .slot = slot, .block = slot_block(named) };
	b = block_at(st, sh, f->block);
	if (adds)
		want_to_write(b);
	f->version = atomic_load_explicit(&b->version, memory_order_acquire);
	f->lengths = load(&b->words[1]);
	f->expires_ms = load(&b->words[2]);
	same = key_is_at(st, sh, f->block, f->lengths, key);
	atomic_thread_fence(memory_order_acquire);
	if (f->version == 0 || load(&b->version) != f->version)
		return MOVED;
	return same ? HERE : ELSEWHERE;
}

static inline enum look look_for(const struct state *st, struct shard *sh, const struct state_key *key, bool adds,
				 struct found *f)
{
	for (unsigned choice = 0; choice < 2; choice++) {
		struct bucket *bucket = bucket_at(st, sh, bucket_of(st, key->hash, choice));

		for (unsigned i = 0; i < BUCKET_SLOTS; i++) {
			enum look seen = look_at(st, sh, &bucket->slots[i], key, adds, f);

			if (seen != ELSEWHERE)
				return seen;
		}
	}
	return ELSEWHERE;
}

static inline int find_any(const struct state *st, const struct state_key *key, bool adds, struct found *ret_found)
{
	struct shard *sh = shard_at(st, shard_of(st, key->hash));

	for (unsigned i = 0; i < TRIES; i++) {
		enum look seen = look_for(st, sh, key, adds, ret_found);

		if (seen == ELSEWHERE)
			return -ENOENT;
		if (seen == HERE)
			return has_expired(ret_found->expires_ms) ? -ENOENT : 0;
	}
	return -EAGAIN;
}

int find(const struct state *st, const struct state_key *key, struct found *ret_found)
{
	return find_any(st, key, false, ret_found);
}

int find_to_add(const struct state *st, const struct state_key *key, struct found *ret_found)
{
	return find_any(st, key, true, ret_found);
}

bool find_locked(const struct state *st, struct shard *sh, const struct state_key *key, struct found *ret_found)
{
	return look_for(st, sh, key, false, ret_found) == HERE;
}

void found_used(const struct state *st, const struct found *f)
{
	_Atomic uint8_t *seen = seen_at(st, f->shard, f->block);

	if (st->evicts && atomic_load_explicit(seen, memory_order_relaxed) == 0)
		atomic_store_explicit(seen, 1, memory_order_relaxed);
}
