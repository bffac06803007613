/* SPDX-License-Identifier: MIT */
/* read - copying a value out, without a lock: again, when a writer was faster */
#include "state/room.h"

#include <errno.h>
#include <string.h>

/* @out gets @len bytes of what follows @skip words of the entry that begins at @block, if it is still there. */
static void copy_out(const struct state *st, const struct found *f, unsigned skip, void *out, size_t len)
{
	const struct block *b = block_at(st, f->shard, f->block);
	unsigned at = HEAD_SKIP + skip;
	char *to = out;

	while (len > 0) {
		size_t n = len < sizeof(uint64_t) ? len : sizeof(uint64_t);
		uint64_t word;

		while (at >= BLOCK_WORDS) {
			uint32_t next = link_next(b);

			if (next >= st->n_blocks)
				return;
			b = block_at(st, f->shard, next);
			at = at - BLOCK_WORDS + NEXT_SKIP;
		}
		word = load(&b->words[at++]);
		memcpy(to, &word, n);
		to += n;
		len -= n;
	}
}

/* Return: whether what was read is what was found. */
static bool read_found(const struct state *st, const struct found *f, void *out, size_t size, struct state_value *value)
{
	struct block *b = block_at(st, f->shard, f->block);

	*value = (struct state_value){
		.version = f->version, .expires_ms = f->expires_ms, .is_number = kind_of(f->lengths) == KIND_NUMBER,
		.len = value_len_of(f->lengths),
	};
	if (value->is_number)
		value->number = (int64_t)load(&b->number);
	else if (value->len <= size)
		copy_out(st, f, words_of(key_len_of(f->lengths)), out, value->len);
	atomic_thread_fence(memory_order_acquire);
	return load(&b->version) == f->version;
}

int state_read(struct state *st, const struct state_key *key, void *out, size_t size, struct state_value *ret_value)
{
	struct found f;

	state_counts.reads++;
	for (unsigned i = 0; i < TRIES; i++) {
		int r = find(st, key, &f);

		if (r < 0)
			return r;
		if (!read_found(st, &f, out, size, ret_value))
			continue;
		found_used(st, &f);
		return !ret_value->is_number && ret_value->len > size ? -ENOSPC : 0;
	}
	return -EAGAIN;
}
