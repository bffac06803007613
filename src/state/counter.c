/* SPDX-License-Identifier: MIT */
/*
 * counter - adding to a number where it lies, without the lock
 *
 * Number and version are compared and swapped as one: a block that is no longer this counter's has another version, so
 * an addition goes to the counter or nowhere. Where the processor cannot, and where changes are watched, under the lock.
 */
#include "state/room.h"

#include <errno.h>

#if defined(__x86_64__)
/* Return: whether @b had @version and @before. */
static bool swap_number(struct block *b, uint64_t version, uint64_t *before, uint64_t after)
{
	uint64_t seen = version;
	bool done;

	__asm__ volatile("lock cmpxchg16b %1"
			 : "=@ccz"(done), "+m"(*(unsigned __int128 *)b), "+a"(seen), "+d"(*before)
			 : "b"(version), "c"(after)
			 : "memory");
	if (!done && seen == version)
		return false;
	if (!done)
		*before = 0;
	return done;
}
#define IN_PLACE true
#else
static bool swap_number(struct block *b, uint64_t version, uint64_t *before, uint64_t after)
{
	return false;
}
#define IN_PLACE false
#endif

/* Return: 0, -EDOM, -ERANGE, or -EAGAIN: it is gone. */
static int add_in_place(struct block *b, const struct found *f, int64_t n, int64_t *ret_number)
{
	uint64_t before = load(&b->number);

	if (kind_of(f->lengths) != KIND_NUMBER)
		return -EDOM;
	do {
		if (__builtin_add_overflow((int64_t)before, n, ret_number))
			return -ERANGE;
		if (swap_number(b, f->version, &before, (uint64_t)*ret_number))
			return 0;
	} while (load(&b->version) == f->version);
	return -EAGAIN;
}

static int create(struct state *st, struct shard *sh, const struct state_key *key, const struct found *expired,
		  int64_t n, uint64_t ttl_ms)
{
	static const uint64_t nothing[1];
	const struct entry e = { KIND_NUMBER, n, nothing, sizeof(nothing), expiry(ttl_ms) };

	return publish(st, sh, key, expired, &e, NULL);
}

static int add_under_lock(struct state *st, struct shard *sh, const struct state_key *key, int64_t n, uint64_t ttl_ms,
			  int64_t *ret_number)
{
	struct found f;
	struct block *b;
	bool is_there = find_locked(st, sh, key, &f);

	if (!is_there || has_expired(f.expires_ms)) {
		*ret_number = n;
		return create(st, sh, key, is_there ? &f : NULL, n, ttl_ms);
	}
	b = block_at(st, sh, f.block);
	if (IN_PLACE) {		/* others may do so meanwhile */
		int r = add_in_place(b, &f, n, ret_number);

		if (r < 0)
			return r;
	} else {
		if (kind_of(f.lengths) != KIND_NUMBER)
			return -EDOM;
		if (__builtin_add_overflow((int64_t)load(&b->number), n, ret_number))
			return -ERANGE;
		store(&b->number, (uint64_t)*ret_number);
	}
	found_used(st, &f);
	tell_change(st, sh, key);
	return 0;
}

int state_add(struct state *st, const struct state_key *key, int64_t n, uint64_t ttl_ms, int64_t *ret_number)
{
	struct shard *sh = shard_at(st, shard_of(st, key->hash));
	struct found f;
	bool done = false;
	int r;

	state_counts.writes++;
	for (unsigned i = 0; IN_PLACE && !changes_wanted(st) && i < TRIES && find_to_add(st, key, &f) == 0; i++) {
		r = add_in_place(block_at(st, sh, f.block), &f, n, ret_number);
		if (r == -EAGAIN)
			continue;
		found_used(st, &f);
		done = r == 0 && changes_wanted(st);	/* since a moment ago */
		if (!done)
			return r;
		break;
	}
	r = lock(st, sh);
	if (r < 0)
		return done ? 0 : r;
	if (done)
		tell_change(st, sh, key);
	else
		r = add_under_lock(st, sh, key, n, ttl_ms, ret_number);
	unlock(sh);
	return r;
}
