/* SPDX-License-Identifier: MIT */
/* key - a key and its hash: SipHash-1-3 with the region's seed, because clients choose keys */
#include "state/room.h"

#include <errno.h>
#include <string.h>

static inline uint64_t turn(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

static inline void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = turn(v[1], 13) ^ v[0];
	v[0] = turn(v[0], 32);
	v[2] += v[3];
	v[3] = turn(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = turn(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = turn(v[1], 17) ^ v[2];
	v[2] = turn(v[2], 32);
}

/* Of whole words; the length is hashed behind them. */
static uint64_t hash_of(const uint64_t seed[2], const uint64_t *words, unsigned n, unsigned len)
{
	uint64_t v[4] = {
		seed[0] ^ UINT64_C(0x736f6d6570736575), seed[1] ^ UINT64_C(0x646f72616e646f6d),
		seed[0] ^ UINT64_C(0x6c7967656e657261), seed[1] ^ UINT64_C(0x7465646279746573),
	};

	for (unsigned i = 0; i <= n; i++) {
		uint64_t m = i < n ? words[i] : (uint64_t)len << 56;

		v[3] ^= m;
		sip_round(v);
		v[0] ^= m;
	}
	v[2] ^= 0xff;
	sip_round(v);
	sip_round(v);
	sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void key_hash(const struct state *st, struct state_key *key)
{
	key->hash = hash_of(st->seed, key->words, words_of(key->len), key->len);
}

int state_key(const struct state *st, char owner, const char *text, struct state_key *ret_key)
{
	size_t len = strnlen(text, STATE_KEY_MAX);
	unsigned n = words_of(len + 1);

	if (len == 0 || len == STATE_KEY_MAX)
		return -EINVAL;
	ret_key->len = (unsigned)len + 1;
	ret_key->words[n - 1] = 0;
	((char *)ret_key->words)[0] = owner;
	memcpy((char *)ret_key->words + 1, text, len);
	key_hash(st, ret_key);
	return 0;
}
