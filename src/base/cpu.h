/* SPDX-License-Identifier: MIT */
/* cpu - how many processors this process may really use */
#pragma once

/*
 * The smallest of: the affinity mask (a cpuset shows there), and the cgroup quota (v2 cpu.max of this
 * cgroup and those above it, v1 cpu.cfs_quota_us) rounded up. At least 1.
 */
unsigned cpu_usable(void);
