/* SPDX-License-Identifier: MIT */
/*
 * Who reads an entry while it is deleted, its shard repaired and its blocks used again, has read it whole if its version
 * is still the same. The reader stands still between the two here, for as long as that takes.
 */
#include "state/store.h"

#include "state/room.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEYS 60
#define LONG 4000	/* bytes: of many blocks */

static unsigned char value[LONG];

static void set(const char *name, unsigned i, size_t len)
{
	char key[32];

	snprintf(key, sizeof(key), "%s%u", name, i);
	fill(value, len, i);
	check_equal(brood_state_set(key, value, len, 0), 0);
}

/* An entry whose second block lies before its first one, and so is used again first when a repair has put them in order. */
static struct found find_turned(struct state *st, char key[32])
{
	for (unsigned i = 0; i < 100000; i++) {
		struct state_key k;
		struct found f;

		set("k", i % KEYS, i * 97 % LONG);
		snprintf(key, 32, "k%u", i % KEYS);
		check_equal(state_key(st, 'u', key, &k), 0);
		check_equal(find(st, &k, &f), 0);
		if (value_len_of(f.lengths) > LONG / 2 && link_next(block_at(st, f.shard, f.block)) < f.block)
			return f;
	}
	check(!"there is such an entry");
	return (struct found){ .shard = NULL };
}

static void die_holding_the_lock(struct state *st, struct shard *sh)
{
	int status;
	pid_t pid = fork();

	check(pid >= 0);
	if (pid == 0)
		_exit(lock(st, sh) < 0);
	check_equal(waitpid(pid, &status, 0), pid);
	check_equal(status, 0);
}

int main(void)
{
	struct state *st = store_make(MIB, false);
	char key[32];
	struct found f = find_turned(st, key);
	struct block *first = block_at(st, f.shard, f.block), *second = block_at(st, f.shard, link_next(first)), before;
	unsigned repairs = (unsigned)state_counters()->repairs, i = 0;

	check_equal(brood_state_delete(key), 0);
	memcpy(&before, second, sizeof(before));
	die_holding_the_lock(st, f.shard);
	while (memcmp(&before.words[NEXT_SKIP], &second->words[NEXT_SKIP], NEXT_WORDS * sizeof(uint64_t)) == 0)
		set("new", i++, 8);
	check_equal(state_counters()->repairs, repairs + 1);
	check(load(&first->version) != f.version);
	printf("its second block was used again after %u writes\n", i);
	state_destroy(st);
	return 0;
}
