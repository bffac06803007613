/* SPDX-License-Identifier: MIT */
/*
 * write - set, compare and set, delete
 *
 * A value is copied here before the lock is taken: the caller's memory may fault, and a fault that is contained
 * would leave the lock behind with a process that lives.
 */
#include "state/room.h"

#include <errno.h>
#include <string.h>

static uint64_t staged[VALUE_MAX / 8];

static void stage(const void *value, size_t len)
{
	if (len == 0)
		return;
	staged[(len - 1) / 8] = 0;
	memcpy(staged, value, len);
}

/* Return: 0, or why @old (NULL = nothing) is not what @version says. */
static int check_version(const struct found *old, uint64_t version)
{
	if (version == STATE_ANY)
		return 0;
	if (!old)
		return version == 0 ? 0 : -ESTALE;
	if (version != 0 && kind_of(old->lengths) == KIND_NUMBER)
		return -EDOM;
	return old->version == version ? 0 : -ESTALE;
}

int state_write(struct state *st, const struct state_key *key, uint64_t version, const void *value, size_t len,
		uint64_t ttl_ms, uint64_t *ret_version)
{
	struct shard *sh = shard_at(st, shard_of(st, key->hash));
	struct entry e = { .kind = KIND_BYTES, .words = staged, .len = len, .expires_ms = expiry(ttl_ms) };
	struct found f;
	bool is_there;
	int r;

	stage(value, len);
	state_counts.writes++;
	r = lock(st, sh);
	if (r < 0)
		return r;
	is_there = find_locked(st, sh, key, &f);
	r = check_version(is_there && !has_expired(f.expires_ms) ? &f : NULL, version);
	if (r == 0)
		r = publish(st, sh, key, is_there ? &f : NULL, &e, ret_version);
	unlock(sh);
	return r;
}

int state_remove(struct state *st, const struct state_key *key, uint64_t version)
{
	struct shard *sh = shard_at(st, shard_of(st, key->hash));
	struct found f;
	int r;

	state_counts.writes++;
	r = lock(st, sh);
	if (r < 0)
		return r;
	if (!find_locked(st, sh, key, &f)) {
		r = -ENOENT;
	} else {
		r = has_expired(f.expires_ms) ? -ENOENT : check_version(&f, version);
		if (r != -ESTALE && r != -EDOM) {
			atomic_store_explicit(f.slot, 0, memory_order_release);
			retire(st, sh, f.block, f.lengths);
			tell_change(st, sh, key);
		}
	}
	unlock(sh);
	return r;
}
