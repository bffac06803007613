/* SPDX-License-Identifier: MIT */
#include "base/memory.h"
#include "tree.h"

#define MIB (1ull << 20)

static void of_version_2(void)
{
	tree_begin();
	check_equal(memory_limit(tree_root).bytes, 0);
	tree_make_v2();
	tree_write("/sys/fs/cgroup/system.slice/x.service/memory.max", "max\n");
	check_equal(memory_limit(tree_root).bytes, 0);
	tree_write("/sys/fs/cgroup/system.slice/memory.max", "67108864\n");
	check_equal(memory_limit(tree_root).bytes, 64 * MIB);
	tree_write("/sys/fs/cgroup/system.slice/x.service/memory.max", "134217728\n");
	check_equal(memory_limit(tree_root).bytes, 64 * MIB);
	check_text(memory_limit(tree_root).name, "memory.max");
	tree_write("/sys/fs/cgroup/system.slice/x.service/memory.max", "33554432\n");
	check_equal(memory_limit(tree_root).bytes, 32 * MIB);
	tree_end();
}

static void of_version_1(void)
{
	tree_begin();
	tree_make_v1_container();
	tree_write("/sys/fs/cgroup/memory/inner/memory.limit_in_bytes", "9223372036854771712\n");
	check_equal(memory_limit(tree_root).bytes, 0);
	tree_write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "134217728\n");
	check_equal(memory_limit(tree_root).bytes, 128 * MIB);
	check_text(memory_limit(tree_root).name, "memory.limit_in_bytes");
	tree_write("/sys/fs/cgroup/memory/inner/memory.stat",
		   "cache 4096\nhierarchical_memory_limit 67108864\nhierarchical_memsw_limit 9223372036854771712\n");
	check_equal(memory_limit(tree_root).bytes, 64 * MIB);
	tree_end();
}

static void kills_are_counted(void)
{
	tree_begin();
	tree_make_v2();
	check_equal(memory_oom_kills(tree_root), 0);
	tree_write("/sys/fs/cgroup/system.slice/x.service/memory.events",
		   "low 0\nhigh 3\nmax 7\noom 2\noom_kill 2\noom_group_kill 0\n");
	check_equal(memory_oom_kills(tree_root), 2);
	tree_write("/sys/fs/cgroup/system.slice/x.service/memory.events.local", "oom 1\noom_kill 1\n");
	check_equal(memory_oom_kills(tree_root), 1);
	tree_end();

	tree_begin();
	tree_make_v1_container();
	tree_write("/sys/fs/cgroup/memory/inner/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n");
	check_equal(memory_oom_kills(tree_root), 5);
	tree_write("/sys/fs/cgroup/memory/inner/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\n");
	check_equal(memory_oom_kills(tree_root), 0);
	tree_end();
}

static void shares_leave_a_reserve(void)
{
	check_equal(memory_fair_share(64 * MIB, 1), 48 * MIB);
	check_equal(memory_fair_share(64 * MIB, 2), 24 * MIB);
	check_equal(memory_fair_share(1024 * MIB, 4), 224 * MIB);
	check_equal(memory_fair_share(16 * MIB, 2), 4 * MIB);
	check_equal(memory_fair_share(1, 512), 0);
}

int main(void)
{
	check_fds_begin();
	of_version_2();
	of_version_1();
	kills_are_counted();
	shares_leave_a_reserve();
	(void)memory_limit("");
	check_fds_end();
	return 0;
}
