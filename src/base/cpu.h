/* SPDX-License-Identifier: MIT */
/* cpu - which processors this process may use, and how many really */
#pragma once

/*
 * The smallest of: the affinity mask (a cpuset shows there), and the cgroup quota (v2 cpu.max of this
 * cgroup and those above it, v1 cpu.cfs_quota_us) rounded up. At least 1.
 */
unsigned cpu_usable(void);
/*
 * Binds this process to the CPU @index of those it may run on, counted on from the first where there are fewer.
 * Return: the number of the CPU, or -errno: -EINVAL when it may not use that one any more.
 */
int cpu_bind(unsigned index);
