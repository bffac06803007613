/* SPDX-License-Identifier: MIT */
/*
 * quota - the share of the processors that a cgroup grants
 *
 * Both versions: v2's cpu.max and v1's cpu.cfs_quota_us, of this process's group and of every group above
 * it that is visible; the tightest counts. A group without a limit, and a machine without cgroups, grant
 * everything.
 */
#pragma once

/* In thousandths of a processor; 0 = no limit. @root: as of cgroup_find(). */
unsigned quota_millicpus(const char *root);

/* The same in whole processors, rounded up. */
unsigned quota_cpus(const char *root);

/* "max 100000" or "150000 100000" in thousandths of a processor, rounded up; 0 = no limit, or not in this form. */
unsigned quota_parse(const char *cpu_max);
