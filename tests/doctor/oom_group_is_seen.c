/* SPDX-License-Identifier: MIT */
#include "doctor/doctor.h"
#include "base/tree.h"

static struct finding look(check_fn *looks, unsigned n_workers)
{
	struct patient patient = { .root = tree_root, .n_workers = n_workers, .n_usable = 8 };
	struct finding finding = { .name = "" };

	patient.pool.cache_bytes = 8 << 20;
	looks(&patient, &finding);
	return finding;
}

int main(void)
{
	tree_begin();
	check_equal(look(check_oom_group, 1).verdict, VERDICT_OK);
	tree_make_v2();
	tree_write("/sys/fs/cgroup/system.slice/x.service/memory.oom.group", "0\n");
	check_equal(look(check_oom_group, 1).verdict, VERDICT_OK);
	tree_write("/sys/fs/cgroup/system.slice/memory.oom.group", "1\n");
	check_equal(look(check_oom_group, 1).verdict, VERDICT_WARN);
	check(look(check_oom_group, 1).n_remedies > 0);

	check_equal(look(check_memory, 4).verdict, VERDICT_OK);
	tree_write("/sys/fs/cgroup/system.slice/memory.max", "33554432\n");
	check_equal(look(check_memory, 4).verdict, VERDICT_WARN);
	check_equal(look(check_memory, 1).verdict, VERDICT_OK);

	tree_write("/sys/fs/cgroup/system.slice/x.service/pids.max", "4\n");
	check_equal(look(check_pids, 1).verdict, VERDICT_OK);
	check_equal(look(check_pids, 2).verdict, VERDICT_WARN);
	check_equal(look(check_pids, 3).verdict, VERDICT_BAD);
	tree_end();
	return 0;
}
