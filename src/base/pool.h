/* SPDX-License-Identifier: MIT */
/*
 * pool - blocks of one size, kept for reuse
 *
 * Last given back, first taken: what is in use stays in the cache. Grows by malloc, keeps at most
 * n_spare_max blocks idle and frees the rest, so a burst does not hold memory for ever.
 */
#pragma once

#include <stddef.h>

struct pool {
	size_t	 block_bytes;
	unsigned n_used;
	unsigned n_spare;
	unsigned n_spare_max;
	void	*spare;		/* a chain through the blocks' first words */
};

void pool_init(struct pool *pool, size_t block_bytes, unsigned n_spare_max);
/* Every block must have been given back. */
void pool_finish(struct pool *pool);

/* NULL = no memory. What it holds is undefined. */
void *pool_take(struct pool *pool);
void pool_give(struct pool *pool, void *block);
