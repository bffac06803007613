/* SPDX-License-Identifier: MIT */
/*
 * least.bpf - in the kernel: a new connection goes to the slot that has the fewest
 *
 * What a slot has is what it was given less what its worker is done with, so a choice counts from the moment it
 * is made: a burst spreads although no worker has run meanwhile. Two processors that choose at the same time see
 * each other by the exchange. Ties go round. Nothing chosen leaves it to the kernel's hash.
 *
 * The same for what waits in the queue of a listener that is closed.
 */
#include "balance/least_table.h"

#include <linux/bpf.h>
#include <linux/tcp.h>

#include <bpf/bpf_helpers.h>
#include <stdbool.h>

/* Of very many slots so many are looked at, by turns: the time this takes is bounded. */
#define SCAN_MOST 64
/* When another processor was faster. */
#define TRIES 4

struct {
	__uint(type, BPF_MAP_TYPE_REUSEPORT_SOCKARRAY);
	__uint(max_entries, LEAST_LISTENERS * LEAST_SLOTS);
	__type(key, __u32);
	__type(value, __u64);
} listeners SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct least_table);
} table SEC(".maps");

/* By itself, because the workers write it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, LEAST_ROWS);
	__type(key, __u32);
	__type(value, struct least_row);
} rows SEC(".maps");

struct scan {
	struct least_table *table;
	__u32	n_slots;
	__u32	first;
	__u32	slot;		/* the best so far */
	__u64	given;		/* to it until now */
	__s64	load;
};

static long consider(__u32 i, struct scan *scan)
{
	__u32 slot = (scan->first + i) % scan->n_slots;
	const struct least_slot *s;
	const struct least_row *r;
	__u32 row;
	__u64 given;
	__s64 load;

	if (slot >= LEAST_SLOTS)
		return 1;
	s = &scan->table->slots[slot];
	row = s->row;
	r = bpf_map_lookup_elem(&rows, &row);
	if (!s->open || !r)
		return 0;
	given = *(const volatile __u64 *)&s->given;
	load = (__s64)(given - s->base - *(const volatile __u64 *)&r->settled);
	if (load < scan->load) {
		scan->slot = slot;
		scan->given = given;
		scan->load = load;
	}
	return 0;
}

/* Return: whether it counts: nobody gave it another in between. */
static __always_inline bool claim(struct least_table *t, const struct scan *scan)
{
	return scan->slot < LEAST_SLOTS &&
	       __sync_val_compare_and_swap(&t->slots[scan->slot].given, scan->given, scan->given + 1) == scan->given;
}

/*
 * Whether this is a connection that is to have a listener. The kernel asks for any segment that belongs to none, what comes
 * behind the end of one too, and a count of those would be of nothing.
 */
static __always_inline bool is_new(const struct sk_reuseport_md *md)
{
	const struct tcphdr *tcp = md->data;

	if (md->migrating_sk || (const void *)(tcp + 1) > md->data_end)
		return true;
	return tcp->syn;
}

static __always_inline int choose(struct sk_reuseport_md *md, __u32 index)
{
	__u32 zero = 0;
	struct least_table *t = bpf_map_lookup_elem(&table, &zero);
	struct scan scan = { .table = t };

	if (!t || !is_new(md))
		return SK_PASS;
	scan.n_slots = t->n_slots;
	for (int i = 0; i < TRIES; i++) {
		scan.first = t->turn++;
		scan.load = LEAST_NOBODY;
		if (scan.n_slots > 0)
			bpf_loop(scan.n_slots < SCAN_MOST ? scan.n_slots : SCAN_MOST, consider, &scan, 0);
		if (scan.load == LEAST_NOBODY)
			break;
		if (claim(t, &scan)) {
			__u32 key = index * LEAST_SLOTS + scan.slot;

			/* Of one that is not in the group any more the hash decides, and the parent corrects the count. */
			bpf_sk_select_reuseport(md, &listeners, &key, 0);
			break;
		}
	}
	return SK_PASS;
}

/* One for each address, which is all they differ by. */
#define CHOOSE(index)							\
	SEC("sk_reuseport/migrate")					\
	int choose_##index(struct sk_reuseport_md *md)			\
	{								\
		return choose(md, index);				\
	}

LEAST_EACH_LISTENER(CHOOSE)

char LICENSE[] SEC("license") = "Dual MIT/GPL";
