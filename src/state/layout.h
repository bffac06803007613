/* SPDX-License-Identifier: MIT */
/*
 * layout - what lies in the memory that all processes of the pool share
 *
 *   region | shard 0 | shard 1 | …         a key is in the shard that its hash says
 *   shard  | changes | buckets | seen | marks | blocks
 *
 * An entry is a chain of blocks, as long as its key and value need, and a slot of the index that names its first
 * one. It is published by one store, into the slot, and from then on immutable but for a counter's number, until its
 * blocks are used again, which is as late as can be. A version is given to one entry ever, and is taken from its block
 * before that; so whoever has read a version, then the entry, then the same version, has read that entry whole. A key
 * keeps its slot as long as it lives, and may have it in one of two buckets.
 *
 * What is under a shard's lock but not in a slot can be found anew from the slots (repair.c). Nothing here is believed:
 * how big things are is said in struct state, which is private, and indexes are checked.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#define LAYOUT_MAGIC UINT64_C(0x0001657461747362)	/* "bstate", then its version */

#define BLOCK_WORDS 14
#define HEAD_SKIP 3		/* words of an entry's first block before its key */
#define NEXT_SKIP 1		/* the same of the others */
#define HEAD_WORDS (BLOCK_WORDS - HEAD_SKIP)
#define NEXT_WORDS (BLOCK_WORDS - NEXT_SKIP)

/* The first two are compared and swapped as one. */
struct block {
	_Atomic uint64_t	version;	/* of the entry that begins here; 0 = none does */
	_Atomic uint64_t	number;		/* of a counter */
	_Atomic uint64_t	words[BLOCK_WORDS];	/* links; of the first block: lengths and kind, expiry; key, value */
} __attribute__((aligned(128)));

enum kind { KIND_BYTES = 1, KIND_NUMBER };

#define BUCKET_SLOTS 8

/* A slot: a tag of the hash in its upper half, the number of a block and 1 in its lower; 0 = empty. */
struct bucket {
	_Atomic uint64_t	slots[BUCKET_SLOTS];
} __attribute__((aligned(64)));

#define CHANGE_WORDS 30
#define N_CHANGES 128		/* that a watcher may be behind */

struct change {
	_Atomic uint64_t	number;		/* of this change, from 1; 0 while it is written */
	_Atomic uint64_t	len;
	_Atomic uint64_t	words[CHANGE_WORDS];	/* the key */
};

struct shard {
	pthread_mutex_t		lock;		/* robust: of a dead holder the next one is told */
	uint64_t		version;	/* last given */
	uint64_t		earliest_ms;	/* nothing expires before; 0 = nothing does */
	uint32_t		free;		/* the first free block, and 1; 0 = none */
	uint32_t		last;		/* the last of them, and 1 */
	uint32_t		fresh;		/* from this block on none was ever used */
	uint32_t		n_free;		/* fresh ones too */
	uint32_t		n_entries;
	uint32_t		hand;		/* of the clock: the slot it looks at next */
	_Atomic uint64_t	changed;	/* changes told */
	_Atomic uint64_t	lost;		/* times that some may not have been told */
} __attribute__((aligned(256)));

struct region {
	uint64_t		magic;
	uint64_t		n_bytes;
	uint64_t		seed[2];
	_Atomic uint64_t	watched;	/* 1 = somebody has watched, ever: changes are told */
	_Atomic uint64_t	arms;		/* numbers for the next field */
	_Atomic uint64_t	armed;		/* a watcher waits that has not been woken since; 0 = none does */
};

#define REGION_BYTES 4096
