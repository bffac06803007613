/* SPDX-License-Identifier: MIT */
/*
 * region - the memory, and how it is divided
 *
 * A sealed memfd: what is not used takes none, and nobody can shorten it under the others. How it is divided follows
 * from its size alone, so a pool that is upgraded can leave it to the next one.
 */
#include "state/redis.h"
#include "state/room.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SHARD_LEAST (1024u * 1024)	/* 16 of the longest values fit into the smallest */
#define SHARDS_MAX 64			/* struct state has a mask of them */
#define PAGE 4096u
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

_Static_assert(sizeof(struct region) <= REGION_BYTES, "it has a page");
_Static_assert(CHANGE_WORDS * 8 >= STATE_KEY_MAX, "a key fits into a change");

struct state_counters state_counts;
static struct state *current;

void state_set(struct state *state)
{
	current = state;
}

struct state *state_get(void)
{
	return current;
}

const struct state_counters *state_counters(void)
{
	return &state_counts;
}

int state_fd(const struct state *state)
{
	return state->fd;
}

int state_event_fd(const struct state *state)
{
	return state->event_fd;
}

unsigned state_n_shards(const struct state *state)
{
	return state->n_shards;
}

uint32_t state_n_blocks(const struct state *state)
{
	return state->n_blocks;
}

uint32_t state_n_free(const struct state *state, unsigned shard)
{
	return shard_at(state, shard)->n_free;
}

/* The kernel's coarse clock: a few milliseconds late, and a tenth of the price. */
uint64_t state_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static size_t round_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

/* Four slots for a block are two for each entry at least, in eights. */
static void divide(struct state *st, size_t n_bytes)
{
	size_t fixed = sizeof(struct shard) + N_CHANGES * sizeof(struct change) + 4 * 128;

	st->n_bytes = n_bytes / PAGE * PAGE;
	st->n_shards = SHARDS_MAX;
	while (st->n_shards > 1 && st->n_bytes / st->n_shards < SHARD_LEAST)
		st->n_shards /= 2;
	st->shard_bytes = (st->n_bytes - REGION_BYTES) / st->n_shards / PAGE * PAGE;
	st->n_blocks = (uint32_t)((st->shard_bytes - fixed) * 8 / ((sizeof(struct block) + 16 + 1) * 8 + 1));
	st->n_buckets = st->n_blocks / 4;
	st->n_reserved = st->n_blocks / 16;
	st->buckets_at = round_up(sizeof(struct shard) + N_CHANGES * sizeof(struct change), 64);
	st->seen_at = st->buckets_at + st->n_buckets * sizeof(struct bucket);
	st->marks_at = round_up(st->seen_at + st->n_blocks, 8);
	st->blocks_at = round_up(st->marks_at + (st->n_blocks + 63) / 64 * 8, sizeof(struct block));
	while (st->blocks_at + (size_t)st->n_blocks * sizeof(struct block) > st->shard_bytes)
		st->n_blocks--;
}

static int lock_init(pthread_mutex_t *mutex)
{
	pthread_mutexattr_t attr;
	int r = pthread_mutexattr_init(&attr);

	if (r == 0)
		r = pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	if (r == 0)
		r = pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	if (r == 0)
		r = pthread_mutex_init(mutex, &attr);
	return -r;
}

static int begin(struct state *st)
{
	struct region *region = st->region;
	int r = 0;

	if (getrandom(region->seed, sizeof(region->seed), 0) != sizeof(region->seed))
		return -errno;
	region->magic = LAYOUT_MAGIC;
	region->n_bytes = st->n_bytes;
	for (unsigned i = 0; i < st->n_shards && r == 0; i++) {
		shard_at(st, i)->n_free = st->n_blocks;
		r = lock_init(&shard_at(st, i)->lock);
	}
	return r;
}

static int map(struct state *st)
{
	void *at = mmap(NULL, st->n_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, st->fd, 0);

	if (at == MAP_FAILED)
		return -errno;
	st->region = at;
	(void)madvise(at, st->n_bytes, MADV_DONTDUMP);	/* what clients have stored is no part of a core */
	return 0;
}

static struct state *make(uint64_t n_bytes, bool evicts)
{
	struct state *st = calloc(1, sizeof(*st));

	if (!st)
		return NULL;
	*st = (struct state){ .fd = -1, .event_fd = -1, .evicts = evicts };
	divide(st, n_bytes);
	return st;
}

static int open_memory(struct state *st)
{
	st->fd = memfd_create("brood-state", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	st->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (st->fd < 0 || st->event_fd < 0 || ftruncate(st->fd, (off_t)st->n_bytes) < 0 ||
	    fcntl(st->fd, F_ADD_SEALS, SEALS) < 0)
		return -errno;
	return map(st);
}

int state_create(uint64_t n_bytes, bool evicts, struct state **ret_state)
{
	struct state *st = make(n_bytes, evicts);
	int r = st ? open_memory(st) : -ENOMEM;

	if (r == 0)
		r = begin(st);
	if (r < 0) {
		state_destroy(st);
		return r;
	}
	memcpy(st->seed, st->region->seed, sizeof(st->seed));
	*ret_state = st;
	return 0;
}

static bool is_ours(int fd, const struct state *st)
{
	struct stat is;
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & SEALS) == SEALS && fstat(fd, &is) == 0 && (uint64_t)is.st_size == st->n_bytes;
}

int state_adopt(int fd, int event_fd, uint64_t n_bytes, bool evicts, struct state **ret_state)
{
	struct state *st = make(n_bytes, evicts);
	int r;

	if (!st)
		return -ENOMEM;
	if (!is_ours(fd, st)) {
		free(st);
		return -EINVAL;
	}
	st->fd = fd;
	r = map(st);
	if (st->region && st->region->magic != LAYOUT_MAGIC)
		r = -EINVAL;
	if (r < 0 || !st->region) {
		st->fd = -1;
		state_destroy(st);
		return r;
	}
	st->event_fd = event_fd;
	memcpy(st->seed, st->region->seed, sizeof(st->seed));
	*ret_state = st;
	return 0;
}

void state_destroy(struct state *st)
{
	if (!st)
		return;
	redis_destroy(st->redis);
	if (current == st) {
		watch_forget();
		current = NULL;
	}
	if (st->region)
		munmap(st->region, st->n_bytes);
	if (st->fd >= 0)
		close(st->fd);
	if (st->event_fd >= 0)
		close(st->event_fd);
	free(st);
}
