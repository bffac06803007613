/* SPDX-License-Identifier: MIT */
/*
 * quota - the share of the processors that a cgroup grants
 *
 * Both versions: v2's cpu.max and v1's cpu.cfs_quota_us, of this process's group and of every group above
 * it that is visible. A group without a limit, and a machine without cgroups, grant everything.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum quota_version { QUOTA_V1, QUOTA_V2 };

/* Where a process's group is: the directory of it, and how much of that is the mount point. */
struct quota_group {
	char	path[512];
	size_t	n_mount;
};

/* Whole processors, rounded up; 0 = no limit. */
unsigned quota_cpus(void);

/* "max 100000" or "150000 100000" in whole processors, rounded up; 0 = no limit, or not in this form. */
unsigned quota_parse(const char *cpu_max);

/*
 * Finds the group in the text of /proc/self/cgroup and of /proc/self/mountinfo.
 * Return: false where there is none of this version that governs processors.
 */
bool quota_find(const char *cgroups, const char *mounts, enum quota_version version,
		struct quota_group *ret_group);
