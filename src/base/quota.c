/* SPDX-License-Identifier: MIT */
#include "base/quota.h"
#include "base/cgroup.h"

#include <limits.h>
#include <stdio.h>

#define PERIOD_MOST_US (1ull << 40)

unsigned quota_parse(const char *cpu_max)
{
	unsigned long long quota, period;

	if (sscanf(cpu_max, "%llu %llu", &quota, &period) != 2 || quota == 0 || period == 0)
		return 0;
	if (period > PERIOD_MOST_US || quota / period >= UINT_MAX / 1000)
		return 0;
	return (unsigned)(quota / period * 1000 + (quota % period * 1000 + period - 1) / period);
}

static unsigned read_quota(const struct cgroup *group)
{
	char quota[64], period[64], both[129];

	if (group->version == CGROUP_V2)
		return cgroup_read(group, "cpu.max", quota, sizeof(quota)) ? quota_parse(quota) : 0;
	if (!cgroup_read(group, "cpu.cfs_quota_us", quota, sizeof(quota)) || quota[0] == '-' ||
	    !cgroup_read(group, "cpu.cfs_period_us", period, sizeof(period)))
		return 0;
	snprintf(both, sizeof(both), "%s %s", quota, period);
	return quota_parse(both);
}

static unsigned smaller_limit(unsigned a, unsigned b)
{
	if (a == 0 || b == 0)
		return a + b;
	return a < b ? a : b;
}

unsigned quota_millicpus(const char *root)
{
	struct cgroup group;
	unsigned least = 0;

	for (enum cgroup_version v = 0; v < CGROUP_VERSIONS; v++) {
		if (!cgroup_find(root, "cpu", v, &group))
			continue;
		do
			least = smaller_limit(least, read_quota(&group));
		while (cgroup_climb(&group));
	}
	return least;
}

unsigned quota_cpus(const char *root)
{
	unsigned milli = quota_millicpus(root);

	return milli / 1000 + (milli % 1000 != 0);
}
