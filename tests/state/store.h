/* SPDX-License-Identifier: MIT */
/* store - a store of one shard, or more, and values that tell when they are not whole */
#pragma once

#include "check.h"
#include "state/state.h"

#include <errno.h>

#define MIB (1024u * 1024)

static inline struct state *store_make(uint64_t n_bytes, bool evicts)
{
	struct state *st;

	check_equal(state_create(n_bytes, evicts, &st), 0);
	state_set(st);
	return st;
}

/* Everything is free again: @st is empty and has lost no block. */
static inline void check_whole(const struct state *st)
{
	for (unsigned i = 0; i < state_n_shards(st); i++)
		check_equal(state_n_free(st, i), state_n_blocks(st));
}

static inline void delete_all(void)
{
	char key[BROOD_STATE_KEY_MAX + 1];
	uint64_t cursor = 0;
	int n;

	while ((n = brood_state_next(&cursor, key, sizeof(key))) != 0)
		if (n > 0)
			check_equal(brood_state_delete(key), 0);
}

/* A value of @len bytes, each of which follows from @seed and its place. */
static inline void fill(unsigned char *value, size_t len, uint32_t seed)
{
	for (size_t i = 0; i < len; i++)
		value[i] = (unsigned char)(i < 4 ? seed >> 8 * i : seed * 31 + i * 7 + (i >> 8));
}

/* Whether it is one that fill() has made, of this length. */
static inline bool is_filled(const unsigned char *value, size_t len)
{
	static unsigned char whole[BROOD_STATE_VALUE_MAX];
	uint32_t seed = 0;

	for (size_t i = 0; i < 4 && i < len; i++)
		seed |= (uint32_t)value[i] << 8 * i;
	fill(whole, len, seed);
	return len < 4 || memcmp(value, whole, len) == 0;
}

static inline uint64_t random_next(uint64_t *state)
{
	uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}
