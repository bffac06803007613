/* SPDX-License-Identifier: MIT */
/*
 * cgroup - the control group that this process is in, and the groups above it
 *
 * Found by /proc/self/cgroup and /proc/self/mountinfo, in both versions; a machine may have one for one controller
 * and the other for another. A limit of any group above counts as much as one's own, so who asks for a limit
 * climbs: as far as the groups are visible from here.
 *
 * Fails by: finding nothing, where /proc or the tree cannot be read; then there is no limit.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum cgroup_version { CGROUP_V1, CGROUP_V2 };
#define CGROUP_VERSIONS 2

/* The directory of a group, and how much of that is where the tree is mounted. */
struct cgroup {
	enum cgroup_version	version;
	size_t			n_mount;
	char			path[512];
};

/*
 * The group that governs @controller ("cpu", "memory"); under v2 the one there is.
 * @root: what is taken for /; "" outside of tests.
 */
bool cgroup_find(const char *root, const char *controller, enum cgroup_version version, struct cgroup *ret_group);

/* On to the group above. Return: false = this was the uppermost that is visible. */
bool cgroup_climb(struct cgroup *group);

/* The text of one of its files. Return: false when there is none, or more in it than fits. */
bool cgroup_read(const struct cgroup *group, const char *name, char *out, size_t size);
