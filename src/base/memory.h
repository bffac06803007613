/* SPDX-License-Identifier: MIT */
/*
 * memory - what a cgroup lets this process and its neighbours have, and whom the kernel has killed for it
 *
 * Both versions: v2's memory.max and memory.events, v1's memory.limit_in_bytes and memory.oom_control. Of the
 * limits of this process's group and of every group above it the tightest counts, as v1 tells it of those we do not
 * see, too.
 */
#pragma once

#include <stdint.h>

struct memory_limit {
	uint64_t	 bytes;	/* 0 = there is none */
	const char	*name;	/* the kernel's, of the file: "memory.max"; static */
};

/* @root: as of cgroup_find(). */
struct memory_limit memory_limit(const char *root);

/*
 * How many processes of this group the kernel has killed for want of memory, ever; 0 also when that is not known.
 */
uint64_t memory_oom_kills(const char *root);

/*
 * What each of @n_workers may take of @limit_bytes: all but a reserve of an eighth, at least 16 MiB, at most half,
 * for the parent, page tables, sockets and whoever is just starting.
 */
uint64_t memory_fair_share(uint64_t limit_bytes, unsigned n_workers);
