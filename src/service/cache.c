/* SPDX-License-Identifier: MIT */
/*
 * cache - resources by path, bounded in bytes and in descriptors
 *
 * Those in memory and those that hold descriptors are evicted apart, so that a few large files do not
 * push out many small ones. A hit moves nothing: what is in use is looked at every FRESH_MS, and that
 * moves it to the end of its list. A variant that is still being sent outlives its resource.
 */
#include "service/service.h"

#include "base/must.h"
#include "service/files.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#define BUCKETS_LEAST 256
#define BUCKETS_MOST 65536
#define BYTES_PER_BUCKET 4096

/* Eight bytes at a step; seeded, so that nobody outside can name paths that collide. */
static uint32_t hash_path(uint64_t seed, struct span path)
{
	uint64_t hash = seed ^ path.len, word;

	for (; path.len >= sizeof(word); path = span_skip(path, sizeof(word))) {
		memcpy(&word, path.at, sizeof(word));
		hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 32;
	}
	word = 0;
	if (path.len > 0)
		memcpy(&word, path.at, path.len);
	hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)(hash >> 32);
}

int cache_init(struct cache *cache, size_t n_bytes_max)
{
	uint32_t n = BUCKETS_LEAST;

	*cache = (struct cache){ .n_bytes_max = n_bytes_max };
	list_init(&cache->in_memory);
	list_init(&cache->opened);
	while (n < BUCKETS_MOST && n < n_bytes_max / BYTES_PER_BUCKET)
		n *= 2;
	cache->mask = n - 1;
	if (getrandom(&cache->seed, sizeof(cache->seed), 0) != sizeof(cache->seed))
		return -errno;
	cache->buckets = calloc(n, sizeof(cache->buckets[0]));
	return cache->buckets ? 0 : -ENOMEM;
}

static void drop_all(struct cache *cache, struct list *head)
{
	list_each(link, tmp, head)
		cache_drop(cache, container_of(link, struct resource, lru));
}

void cache_finish(struct cache *cache)
{
	if (!cache->buckets)
		return;
	drop_all(cache, &cache->in_memory);
	drop_all(cache, &cache->opened);
	must(cache->n_bytes == 0 && cache->n_descriptors == 0);
	free(cache->buckets);
	cache->buckets = NULL;
}

static struct span path_of(const struct resource *resource)
{
	return (struct span){ resource->path, resource->path_len };
}

struct resource *cache_find(const struct cache *cache, struct span path)
{
	uint32_t hash = hash_path(cache->seed, path);
	struct resource *resource = cache->buckets[hash & cache->mask];

	for (; resource; resource = resource->chain)
		if (resource->hash == hash && span_equal(path_of(resource), path))
			return resource;
	return NULL;
}

static struct list *list_of(struct cache *cache, const struct resource *resource)
{
	return resource->n_descriptors > 0 ? &cache->opened : &cache->in_memory;
}

void cache_touch(struct cache *cache, struct resource *resource, uint64_t now_ms)
{
	resource->checked_ms = now_ms;
	list_remove(&resource->lru);
	list_append(list_of(cache, resource), &resource->lru);
}

static void drop_oldest(struct cache *cache, struct list *head)
{
	must(!list_empty(head));
	cache_drop(cache, container_of(head->next, struct resource, lru));
}

bool cache_insert(struct cache *cache, struct resource *resource)
{
	struct resource **bucket;

	if (resource->n_bytes > cache->n_bytes_max)
		return false;
	while (cache->n_descriptors > 0 && cache->n_descriptors + resource->n_descriptors > DESCRIPTORS_MOST)
		drop_oldest(cache, &cache->opened);
	while (cache->n_bytes + resource->n_bytes > cache->n_bytes_max)
		drop_oldest(cache, list_empty(&cache->in_memory) ? &cache->opened : &cache->in_memory);
	resource->hash = hash_path(cache->seed, path_of(resource));
	bucket = &cache->buckets[resource->hash & cache->mask];
	resource->chain = *bucket;
	*bucket = resource;
	list_append(list_of(cache, resource), &resource->lru);
	cache->n_bytes += resource->n_bytes;
	cache->n_descriptors += resource->n_descriptors;
	return true;
}

void cache_drop(struct cache *cache, struct resource *resource)
{
	struct resource **at = &cache->buckets[resource->hash & cache->mask];

	while (*at != resource)
		at = &(*at)->chain;
	*at = resource->chain;
	list_remove(&resource->lru);
	cache->n_bytes -= resource->n_bytes;
	cache->n_descriptors -= resource->n_descriptors;
	resource_destroy(resource);
}
