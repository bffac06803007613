/* SPDX-License-Identifier: MIT */
#include "base/cgroup.h"
#include "base/quota.h"
#include "tree.h"

static void quotas_in_thousandths(void)
{
	check_equal(quota_parse("max 100000\n"), 0);
	check_equal(quota_parse("100000 100000\n"), 1000);
	check_equal(quota_parse("100001 100000"), 1001);
	check_equal(quota_parse("1000 100000"), 10);
	check_equal(quota_parse("1 100000"), 1);
	check_equal(quota_parse("350000 100000"), 3500);
	check_equal(quota_parse("100000 0"), 0);
	check_equal(quota_parse("0 100000"), 0);
	check_equal(quota_parse("-1 100000"), 0);
	check_equal(quota_parse("18446744073709551615 1"), 0);
	check_equal(quota_parse("1 18446744073709551615"), 0);
	check_equal(quota_parse("100000"), 0);
	check_equal(quota_parse(""), 0);
}

static void of_version_2(void)
{
	tree_begin();
	tree_make_v2();
	check_equal(quota_cpus(tree_root), 0);
	tree_write("/sys/fs/cgroup/system.slice/x.service/cpu.max", "max 100000\n");
	check_equal(quota_cpus(tree_root), 0);
	tree_write("/sys/fs/cgroup/system.slice/cpu.max", "150000 100000\n");
	check_equal(quota_cpus(tree_root), 2);
	check_equal(quota_millicpus(tree_root), 1500);
	tree_write("/sys/fs/cgroup/system.slice/x.service/cpu.max", "400000 100000\n");
	check_equal(quota_cpus(tree_root), 2);
	tree_write("/sys/fs/cgroup/system.slice/x.service/cpu.max", "50000 100000\n");
	check_equal(quota_cpus(tree_root), 1);
	tree_write("/sys/fs/cgroup/cpu.max", "20000 100000\n");
	check_equal(quota_millicpus(tree_root), 200);
	tree_end();
}

static void of_version_1(void)
{
	struct cgroup group;

	tree_begin();
	tree_make_v1_container();
	check_equal(quota_cpus(tree_root), 0);
	tree_write("/sys/fs/cgroup/cpu,cpuacct/inner/cpu.cfs_quota_us", "-1\n");
	tree_write("/sys/fs/cgroup/cpu,cpuacct/inner/cpu.cfs_period_us", "100000\n");
	check_equal(quota_cpus(tree_root), 0);
	tree_write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "250000\n");
	tree_write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
	check_equal(quota_cpus(tree_root), 3);
	tree_write("/sys/fs/cgroup/cpu,cpuacct/inner/cpu.cfs_quota_us", "5000\n");
	check_equal(quota_cpus(tree_root), 1);
	tree_write("/sys/fs/cgroup/unified/system.slice/cpu.max", "1000 100000\n");
	check_equal(quota_millicpus(tree_root), 10);
	check(cgroup_find(tree_root, "cpu", CGROUP_V1, &group));
	check_text(group.path + strlen(tree_root), "/sys/fs/cgroup/cpu,cpuacct/inner");
	check(cgroup_climb(&group));
	check_text(group.path + strlen(tree_root), "/sys/fs/cgroup/cpu,cpuacct");
	check(!cgroup_climb(&group));
	tree_end();
}

/* Of a namespace the group may be told as outside of what is mounted, or have a name that only begins alike. */
static void groups_outside_of_the_mount(void)
{
	static const char *const groups[] = { "0::/../../other\n", "0::/docker/abcdef\n", "0::/docker/abc/../x\n", "0::/\n" };
	struct cgroup group;

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		tree_begin();
		tree_write("/proc/self/cgroup", groups[i]);
		tree_write("/proc/self/mountinfo", "41 31 0:38 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
		check(cgroup_find(tree_root, "cpu", CGROUP_V2, &group));
		check_text(group.path + strlen(tree_root), "/sys/fs/cgroup");
		tree_end();
	}
}

static void groups_that_are_not_there(void)
{
	static const struct {
		const char *cgroups, *mounts;
		enum cgroup_version version;
	} table[] = {
		{ "", "41 31 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", CGROUP_V2 },
		{ "0::/\n", "", CGROUP_V2 },
		{ "0::/\n", "41 31 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", CGROUP_V1 },
		{ "4:cpuset:/x\n", "32 31 0:29 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n", CGROUP_V1 },
		{ "nonsense\n::\n:\n", "nonsense\n - \n", CGROUP_V1 },
	};
	struct cgroup group;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		tree_begin();
		check(!cgroup_find(tree_root, "cpu", table[i].version, &group));
		tree_write("/proc/self/cgroup", table[i].cgroups);
		tree_write("/proc/self/mountinfo", table[i].mounts);
		check(!cgroup_find(tree_root, "cpu", table[i].version, &group));
		tree_end();
	}
}

int main(void)
{
	check_fds_begin();
	quotas_in_thousandths();
	of_version_2();
	of_version_1();
	groups_outside_of_the_mount();
	groups_that_are_not_there();
	(void)quota_cpus("");
	check_fds_end();
	return 0;
}
