/* SPDX-License-Identifier: MIT */
/* Expiry is kept; a full store lets those go that were not used, or refuses and still has everything. */
#include "state/store.h"

#include <time.h>

static unsigned char value[BROOD_STATE_VALUE_MAX], out[BROOD_STATE_VALUE_MAX];

static void sleep_ms(unsigned ms)
{
	nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L }, NULL);
}

static void entries_expire(void)
{
	struct state *st = store_make(MIB, false);
	int64_t sum;

	check_equal(brood_state_set("short", "v", 1, 60), 0);
	check_equal(brood_state_set("long", "v", 1, 60000), 0);
	check_equal(brood_state_add("count", 5, 60, &sum), 0);
	check_equal(brood_state_add("count", 5, 60000, &sum), 0);	/* lives no longer for it */
	check_equal(sum, 10);
	check_equal(brood_state_get("short", out, sizeof(out), NULL), 1);
	sleep_ms(80);
	check_equal(brood_state_get("short", out, sizeof(out), NULL), -ENOENT);
	check_equal(brood_state_delete("short"), -ENOENT);
	check_equal(brood_state_get("long", out, sizeof(out), NULL), 1);
	check_equal(brood_state_add("count", 1, 60, &sum), 0);
	check_equal(sum, 1);
	check_equal(brood_state_cas("short", 0, "w", 1, 0), 0);		/* as if it had never been */
	state_destroy(st);
}

static unsigned fill_up(unsigned most, int *ret_error)
{
	char key[32];
	unsigned i = 0;

	for (*ret_error = 0; i < most; i++) {
		snprintf(key, sizeof(key), "key-%u", i);
		fill(value, 64, i);
		*ret_error = brood_state_set(key, value, 64, 0);
		if (*ret_error < 0)
			break;
	}
	return i;
}

static unsigned count_there(unsigned n)
{
	unsigned there = 0;
	char key[32];

	for (unsigned i = 0; i < n; i++) {
		snprintf(key, sizeof(key), "key-%u", i);
		if (brood_state_get(key, out, sizeof(out), NULL) == 64) {
			fill(value, 64, i);
			check(memcmp(value, out, 64) == 0);
			there++;
		}
	}
	return there;
}

static void refusing_keeps_everything(void)
{
	struct state *st = store_make(MIB, false);
	int error;
	unsigned n = fill_up(100000, &error);

	check_equal(error, -ENOSPC);
	printf("refuse: %u entries of 64 bytes in 1 MiB, of %u blocks\n", n, state_n_blocks(st));
	check(n > 5500);
	check_equal(count_there(n), n);
	fill(value, 64, 3);
	for (unsigned i = 0; i < 1000; i++)	/* what takes the place of another has room */
		check_equal(brood_state_set("key-3", value, 64, 0), 0);
	check_equal(brood_state_add("counter", 1, 0, NULL), -ENOSPC);
	check_equal(brood_state_delete("key-5"), 0);
	check_equal(brood_state_add("counter", 1, 0, NULL), 0);
	delete_all();
	check_whole(st);
	state_destroy(st);
}

/* What has expired makes room even where nothing is evicted. */
static void expired_make_room(void)
{
	struct state *st = store_make(MIB, false);
	unsigned n = 0;
	char key[32];

	for (;; n++) {
		snprintf(key, sizeof(key), "gone-%u", n);
		if (brood_state_set(key, value, 64, 2000) < 0)
			break;
	}
	check(n > 5500);
	check_equal(brood_state_set("new", value, 64, 0), -ENOSPC);
	sleep_ms(2050);
	check_equal(brood_state_set("new", value, 64, 0), 0);
	check_equal(brood_state_set("newer", value, BROOD_STATE_VALUE_MAX, 0), 0);
	state_destroy(st);
}

static void evicting_spares_what_is_used(void)
{
	struct state *st = store_make(MIB, true);
	unsigned n_lost = 0, n_there;
	char key[32];
	int error;

	check_equal(fill_up(3000, &error), 3000);
	for (unsigned round = 0; round < 10; round++) {		/* 20,000 others go by */
		for (unsigned i = 0; i < 2000; i++) {
			snprintf(key, sizeof(key), "other-%u-%u", round, i);
			check_equal(brood_state_set(key, value, 64, 0), 0);
			if (i % 20 == 0)
				count_there(1000);
		}
	}
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "key-%u", i);
		n_lost += brood_state_get(key, out, sizeof(out), NULL) < 0;
	}
	n_there = count_there(3000) - (1000 - n_lost);
	printf("evict: of 1000 that were used %u are lost, of 2000 that were not %u are left\n", n_lost, n_there);
	check(n_lost <= 20);
	check(n_there <= 200);
	check(state_counters()->evictions > 10000);
	for (unsigned i = 0; i < 100; i++)	/* the longest values come in as well */
		check_equal(brood_state_set("big", value, BROOD_STATE_VALUE_MAX, 0), 0);
	delete_all();
	check_whole(st);
	state_destroy(st);
}

int main(void)
{
	check_fds_begin();
	entries_expire();
	refusing_keeps_everything();
	expired_make_room();
	evicting_spares_what_is_used();
	check_fds_end();
	return 0;
}
