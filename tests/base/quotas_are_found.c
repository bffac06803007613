/* SPDX-License-Identifier: MIT */
#include "base/auto.h"
#include "base/quota.h"
#include "check.h"

static const char hybrid_cgroups[] =
	"3:cpuset:/\n"
	"2:cpu,cpuacct:/docker/abc\n"
	"1:name=systemd:/\n"
	"0::/system.slice/x.service\n";

static const char hybrid_mounts[] =
	"23 0 8:1 / / rw - ext4 /dev/root rw\n"
	"31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
	"32 31 0:29 / /sys/fs/cgroup/cpuset rw shared:9 master:1 - cgroup cgroup rw,cpuset\n"
	"33 31 0:30 /docker/abc /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
	"41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";

static void quotas_in_processors(void)
{
	check_equal(quota_parse("max 100000\n"), 0);
	check_equal(quota_parse("100000 100000\n"), 1);
	check_equal(quota_parse("100001 100000"), 2);
	check_equal(quota_parse("1000 100000"), 1);
	check_equal(quota_parse("350000 100000"), 4);
	check_equal(quota_parse("100000 0"), 0);
	check_equal(quota_parse("0 100000"), 0);
	check_equal(quota_parse("-1 100000"), 0);
	check_equal(quota_parse("100000"), 0);
	check_equal(quota_parse(""), 0);
}

static void groups_of_both_versions(void)
{
	struct quota_group group;

	check(quota_find(hybrid_cgroups, hybrid_mounts, QUOTA_V2, &group));
	check_text(group.path, "/sys/fs/cgroup/unified/system.slice/x.service");
	check_equal(group.n_mount, strlen("/sys/fs/cgroup/unified"));
	/* The mount shows the container's own group as its root. */
	check(quota_find(hybrid_cgroups, hybrid_mounts, QUOTA_V1, &group));
	check_text(group.path, "/sys/fs/cgroup/cpu,cpuacct");
}

static void groups_that_are_not_there(void)
{
	struct quota_group group;

	check(!quota_find("", hybrid_mounts, QUOTA_V2, &group));
	check(!quota_find(hybrid_cgroups, "", QUOTA_V2, &group));
	check(!quota_find("0::/\n", hybrid_mounts, QUOTA_V1, &group));
	check(!quota_find("4:cpuset:/x\n", hybrid_mounts, QUOTA_V1, &group));
	check(!quota_find("nonsense\n::\n:\n", hybrid_mounts, QUOTA_V1, &group));
}

int main(void)
{
	check_fds_begin();
	quotas_in_processors();
	groups_of_both_versions();
	groups_that_are_not_there();
	(void)quota_cpus();
	check_fds_end();
	return 0;
}
