/* SPDX-License-Identifier: MIT */
#include "base/pool.h"

#include "base/must.h"

#include <stdlib.h>

void pool_init(struct pool *pool, size_t block_bytes, unsigned n_spare_max)
{
	must(block_bytes >= sizeof(void *));
	*pool = (struct pool){ .block_bytes = block_bytes, .n_spare_max = n_spare_max };
}

void pool_finish(struct pool *pool)
{
	must(pool->n_used == 0);
	while (pool->spare) {
		void *block = pool->spare;

		pool->spare = *(void **)block;
		free(block);
	}
	pool->n_spare = 0;
}

void *pool_take(struct pool *pool)
{
	void *block = pool->spare;

	if (block) {
		pool->spare = *(void **)block;
		pool->n_spare--;
	} else {
		block = malloc(pool->block_bytes);
	}
	if (block)
		pool->n_used++;
	return block;
}

void pool_give(struct pool *pool, void *block)
{
	must(pool->n_used > 0);
	pool->n_used--;
	if (pool->n_spare == pool->n_spare_max) {
		free(block);
		return;
	}
	*(void **)block = pool->spare;
	pool->spare = block;
	pool->n_spare++;
}
