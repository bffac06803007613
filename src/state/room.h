/* SPDX-License-Identifier: MIT */
/* room.h - what the files of this room share: where things lie, and what is done under the lock */
#pragma once

#include "state/layout.h"
#include "state/state.h"

#define VALUE_MAX BROOD_STATE_VALUE_MAX
#define LOCK_MS 50		/* for a lock, then -EAGAIN */
#define TRIES 256		/* of a reader that writers overtake */

struct state {
	struct region	*region;
	size_t		 n_bytes;
	int		 fd;
	int		 event_fd;
	bool		 evicts;
	uint64_t	 seed[2];
	unsigned	 n_shards;
	size_t		 shard_bytes;
	uint32_t	 n_blocks;	/* of each shard, as all that follows */
	uint32_t	 n_buckets;
	uint32_t	 n_reserved;	/* blocks for values that take the place of others, where nothing is evicted */
	size_t		 buckets_at;
	size_t		 seen_at;
	size_t		 marks_at;
	size_t		 blocks_at;
	struct redis	*redis;		/* the store is there, and nothing of the above */
	uint64_t	 stuck;		/* mask of the shards whose lock could not be had in time */
};

struct found {
	struct shard		*shard;
	_Atomic uint64_t	*slot;
	uint32_t		 block;
	uint64_t		 version;
	uint64_t		 lengths;	/* the word of that name */
	uint64_t		 expires_ms;
};

extern struct state_counters state_counts;

static inline char *shard_base(const struct state *st, unsigned i)
{
	return (char *)st->region + REGION_BYTES + i * st->shard_bytes;
}

static inline struct shard *shard_at(const struct state *st, unsigned i)
{
	return (struct shard *)shard_base(st, i);
}

static inline unsigned shard_of(const struct state *st, uint64_t hash)
{
	return (unsigned)(hash >> 58) & (st->n_shards - 1);
}

static inline unsigned shard_index(const struct state *st, const struct shard *sh)
{
	return (unsigned)((size_t)((const char *)sh - (const char *)st->region - REGION_BYTES) / st->shard_bytes);
}

static inline struct change *change_at(const struct shard *sh, uint64_t number)
{
	return (struct change *)((char *)sh + sizeof(struct shard)) + number % N_CHANGES;
}

static inline struct bucket *bucket_at(const struct state *st, const struct shard *sh, uint32_t i)
{
	return (struct bucket *)((char *)sh + st->buckets_at) + i;
}

static inline _Atomic uint8_t *seen_at(const struct state *st, const struct shard *sh, uint32_t block)
{
	return (_Atomic uint8_t *)((char *)sh + st->seen_at) + block;
}

static inline struct block *block_at(const struct state *st, const struct shard *sh, uint32_t i)
{
	return (struct block *)((char *)sh + st->blocks_at) + i;
}

static inline uint64_t load(const _Atomic uint64_t *word)
{
	return atomic_load_explicit(word, memory_order_relaxed);
}

static inline void store(_Atomic uint64_t *word, uint64_t value)
{
	atomic_store_explicit(word, value, memory_order_relaxed);
}

/* ---- the words of an entry ---- */

/* The first one of a block: what follows it in its entry, below; behind it among the free, and 1, above. */
static inline uint32_t link_next(const struct block *b)
{
	return (uint32_t)load(&b->words[0]);
}

static inline uint32_t link_free(const struct block *b)
{
	return (uint32_t)(load(&b->words[0]) >> 32);
}

/* Whoever still reads the entry that it was of goes on as before. */
static inline void link_set_free(struct block *b, uint32_t behind)
{
	store(&b->words[0], (load(&b->words[0]) & UINT32_MAX) | (uint64_t)behind << 32);
}

static inline uint64_t lengths_make(size_t value_len, unsigned key_len, enum kind kind)
{
	return value_len | (uint64_t)key_len << 32 | (uint64_t)kind << 48;
}

static inline uint32_t value_len_of(uint64_t lengths)
{
	return (uint32_t)lengths;
}

static inline unsigned key_len_of(uint64_t lengths)
{
	return (unsigned)(lengths >> 32 & 0xffff);
}

static inline enum kind kind_of(uint64_t lengths)
{
	return (enum kind)(lengths >> 48);
}

static inline uint32_t words_of(size_t len)
{
	return (uint32_t)((len + 7) / 8);
}

static inline uint32_t blocks_of(size_t key_len, size_t value_len)
{
	uint32_t n = words_of(key_len) + words_of(value_len);

	return n <= HEAD_WORDS ? 1 : 1 + (n - HEAD_WORDS + NEXT_WORDS - 1) / NEXT_WORDS;
}

static inline bool lengths_valid(uint64_t lengths)
{
	return key_len_of(lengths) >= 1 && key_len_of(lengths) <= STATE_KEY_MAX && value_len_of(lengths) <= VALUE_MAX &&
	       (kind_of(lengths) == KIND_BYTES || kind_of(lengths) == KIND_NUMBER);
}

/* ---- the index ---- */

static inline uint64_t second_hash(uint64_t hash)
{
	return (hash ^ hash >> 32) * UINT64_C(0x9e3779b97f4a7c15);
}

static inline uint32_t bucket_of(const struct state *st, uint64_t hash, unsigned choice)
{
	uint64_t h = choice == 0 ? hash : second_hash(hash) >> 32;

	return (uint32_t)(((h & UINT32_MAX) * st->n_buckets) >> 32);
}

static inline uint64_t tag_of(uint64_t hash)
{
	return second_hash(hash) << 32;
}

static inline uint64_t slot_make(uint64_t hash, uint32_t block)
{
	return tag_of(hash) | (block + 1);
}

/* UINT32_MAX or more than there are = none. */
static inline uint32_t slot_block(uint64_t slot)
{
	return (uint32_t)slot - 1;
}

static inline bool has_expired(uint64_t expires_ms)
{
	return expires_ms != 0 && state_now_ms() >= expires_ms;
}

/* find.c */
/* Return: 0, -ENOENT (nor is it there when it has expired), or -EAGAIN (writers have always been faster). */
int find(const struct state *st, const struct state_key *key, struct found *ret_found);
/* The same, of a counter that is to be added to. */
int find_to_add(const struct state *st, const struct state_key *key, struct found *ret_found);
/* The same with the lock held, and what has expired is found. */
bool find_locked(const struct state *st, struct shard *sh, const struct state_key *key, struct found *ret_found);
/* Notes that it was used. */
void found_used(const struct state *st, const struct found *f);
bool key_is_at(const struct state *st, const struct shard *sh, uint32_t block, uint64_t lengths,
	       const struct state_key *key);

/* key.c */
void key_hash(const struct state *st, struct state_key *key);

/* lock.c */
/* Return: 0, or -EAGAIN. */
int lock(struct state *st, struct shard *sh);
void unlock(struct shard *sh);

/* repair.c */
/* What is free, and how much there is, from what is published. */
void repair(const struct state *st, struct shard *sh);

/* blocks.c; all under the lock */
/* Until @n are free, more where it is @replacing nothing; by evicting, if that is wanted. Return: 0 or -ENOSPC. */
int make_room(const struct state *st, struct shard *sh, uint32_t n, bool replacing);
/* Return: a chain of @n blocks, of which there are so many; UINT32_MAX = the shard is broken, and has been repaired. */
uint32_t take_blocks(const struct state *st, struct shard *sh, uint32_t n);
/* An entry that no slot names any more. */
void retire(const struct state *st, struct shard *sh, uint32_t block, uint64_t lengths);
/* An empty slot for @hash, or the slot of what has to go. NULL = there is none. */
_Atomic uint64_t *free_slot(const struct state *st, struct shard *sh, uint64_t hash);

/* publish.c */
struct entry {
	enum kind	 kind;
	int64_t		 number;	/* of a counter */
	const uint64_t	*words;		/* the value, padded */
	size_t		 len;
	uint64_t	 expires_ms;
};
/* Under the lock; in place of @old, NULL = there is nothing. Return: 0, -ENOSPC, -EAGAIN. */
int publish(struct state *st, struct shard *sh, const struct state_key *key, const struct found *old,
	    const struct entry *entry, uint64_t *ret_version);
uint64_t expiry(uint64_t ttl_ms);

/* watch.c */
int watch_prefix(struct state *st, const struct state_key *prefix, brood_state_watch_fn *fn, void *arg,
		 struct brood_watch **ret_watch);

struct redis;
/* A server has told of a change of @key, to those who watch just this one. */
void watch_tell_key(const struct state_key *key);
/* The same to those alone who watch a prefix whose pattern is @pattern; @key NULL = anything. */
void watch_tell_pattern(const struct redis *redis, const char *pattern, const struct state_key *key);
/* Calls @fn for each key and prefix that is watched. */
void watch_each(void (*fn)(struct redis *redis, const struct state_key *key, bool is_prefix), struct redis *redis);

/* The store is gone, and the loop as well. */
void watch_forget(void);

/* changes.c */
bool changes_wanted(const struct state *st);
/* Under the lock: @key has been changed. */
void tell_change(struct state *st, struct shard *sh, const struct state_key *key);
/* Under the lock: some may have been changed, and nobody was told. */
void tell_lost(const struct state *st, struct shard *sh);
