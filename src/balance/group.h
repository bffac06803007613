/* SPDX-License-Identifier: MIT */
/*
 * group - which slot's socket is at which place of a reuseport group
 *
 * As the kernel keeps it (net/core/sock_reuseport.c): who begins to listen is put at the end, and when one is
 * closed, the last takes its place. Programs name members by their place. A group belongs to one address.
 */
#pragma once

#include <stdint.h>

#define GROUP_MOST 512

struct group {
	unsigned	n;
	uint16_t	slot[GROUP_MOST];
};

/* The socket of @slot has begun to listen. */
void group_add(struct group *group, unsigned slot);
/*
 * As another process has kept it: the socket of @slot is at @place, below GROUP_MOST. The group counts one more,
 * and is whole when as many are put as it had.
 */
void group_put(struct group *group, unsigned place, unsigned slot);
/* The socket of @slot was closed. Nothing if it is not in the group. */
void group_remove(struct group *group, unsigned slot);
/* Its place; -1 = it is not in the group. */
int group_place(const struct group *group, unsigned slot);
