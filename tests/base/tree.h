/* SPDX-License-Identifier: MIT */
/* tree.h - a directory that stands in for /: what /proc and the cgroup trees would say on another machine */
#pragma once

#include "check.h"

#include <errno.h>
#include <ftw.h>
#include <sys/stat.h>

static char tree_root[64];

static inline void tree_begin(void)
{
	const char *scratch = getenv("TMPDIR");

	snprintf(tree_root, sizeof(tree_root), "%.40s/tree.XXXXXX", scratch ? scratch : "/tmp");
	check(mkdtemp(tree_root) != NULL);
}

static inline int tree_remove_one(const char *path, const struct stat *about, int kind, struct FTW *at)
{
	return remove(path);
}

static inline void tree_end(void)
{
	check_equal(nftw(tree_root, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* Writes one file, and the directories it is in. */
static inline void tree_write(const char *path, const char *text)
{
	char full[512];
	FILE *file;

	snprintf(full, sizeof(full), "%s%s", tree_root, path);
	for (char *slash = full + strlen(tree_root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		check(mkdir(full, 0755) == 0 || errno == EEXIST);
		*slash = '/';
	}
	file = fopen(full, "we");
	check(file != NULL);
	check(fputs(text, file) >= 0);
	check_equal(fclose(file), 0);
}

/* ---- machines */

/* cgroup v2, a service two levels down. */
static inline void tree_make_v2(void)
{
	tree_write("/proc/self/cgroup", "0::/system.slice/x.service\n");
	tree_write("/proc/self/mountinfo",
		   "23 0 8:1 / / rw - ext4 /dev/root rw\n"
		   "41 23 0:38 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw\n");
}

/* v1, and v2 beside it without controllers; the mounts show a container's own group as their root. */
static inline void tree_make_v1_container(void)
{
	tree_write("/proc/self/cgroup",
		   "4:memory:/docker/abc/inner\n3:cpuset:/\n2:cpu,cpuacct:/docker/abc/inner\n1:name=systemd:/\n"
		   "0::/system.slice/x.service\n");
	tree_write("/proc/self/mountinfo",
		   "23 0 8:1 / / rw - ext4 /dev/root rw\n"
		   "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
		   "32 31 0:29 / /sys/fs/cgroup/cpuset rw shared:9 master:1 - cgroup cgroup rw,cpuset\n"
		   "33 31 0:30 /docker/abc /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
		   "34 31 0:31 /docker/abc /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
		   "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n");
}
