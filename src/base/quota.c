/* SPDX-License-Identifier: MIT */
#include "base/quota.h"
#include "base/auto.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define PROC_BYTES 65536	/* of mountinfo; a machine with more mounts is taken to have no quota */

unsigned quota_parse(const char *cpu_max)
{
	unsigned long long quota, period;

	if (sscanf(cpu_max, "%llu %llu", &quota, &period) != 2 || quota == 0 || period == 0)
		return 0;
	if (quota / period >= UINT_MAX)
		return 0;
	return (unsigned)(quota / period + (quota % period != 0));
}

/* Is @word one of the comma-separated words in @list, which ends at white space, ':' or the end? */
static bool list_has(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (;;) {
		size_t n = strcspn(list, ",: \n");

		if (n == len && memcmp(list, word, len) == 0)
			return true;
		if (list[n] != ',')
			return false;
		list += n + 1;
	}
}

static const char *next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end ? end + 1 : line + strlen(line);
}

/* Lines are "hierarchy:controllers:path"; v2 is "0::path". */
static bool find_path(const char *cgroups, enum quota_version version, const char **ret_path, size_t *ret_len)
{
	for (const char *line = cgroups; *line; line = next_line(line)) {
		const char *controllers = strchr(line, ':');
		const char *path = controllers ? strchr(controllers + 1, ':') : NULL;

		if (!path || path > next_line(line))
			continue;
		if (version == QUOTA_V2 ? strncmp(line, "0::", 3) == 0 : list_has(controllers + 1, "cpu")) {
			*ret_path = path + 1;
			*ret_len = strcspn(path + 1, "\n");
			return true;
		}
	}
	return false;
}

struct mount {
	char	root[256];
	char	point[256];
};

/* Lines are "id parent dev root point options [more...] - type source super-options". */
static bool find_mount(const char *mounts, enum quota_version version, struct mount *ret_mount)
{
	for (const char *line = mounts; *line; line = next_line(line)) {
		const char *dash = strstr(line, " - ");
		char type[32], super[256];

		if (!dash || dash > next_line(line) ||
		    sscanf(dash, " - %31s %*s %255s", type, super) != 2 ||
		    sscanf(line, "%*s %*s %*s %255s %255s", ret_mount->root, ret_mount->point) != 2)
			continue;
		if (version == QUOTA_V2 ? strcmp(type, "cgroup2") == 0
					: strcmp(type, "cgroup") == 0 && list_has(super, "cpu"))
			return true;
	}
	return false;
}

bool quota_find(const char *cgroups, const char *mounts, enum quota_version version,
		struct quota_group *ret_group)
{
	struct mount mount;
	const char *path;
	size_t len, n_root;
	int n;

	if (!find_path(cgroups, version, &path, &len) || !find_mount(mounts, version, &mount))
		return false;
	/* A container may see its own group as the root of the mount, and yet its full path in /proc. */
	n_root = strcmp(mount.root, "/") == 0 ? 0 : strlen(mount.root);
	if (n_root <= len && memcmp(path, mount.root, n_root) == 0) {
		path += n_root;
		len -= n_root;
	} else {
		len = 0;
	}
	n = snprintf(ret_group->path, sizeof(ret_group->path), "%s%.*s", mount.point, (int)len, path);
	ret_group->n_mount = strlen(mount.point);
	return n > 0 && (size_t)n < sizeof(ret_group->path);
}

/* Return: false when there is no such file, or more in it than fits. */
static bool read_file(const char *path, char *out, size_t size)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n = -1;

	while (fd >= 0 && len < size - 1 && (n = read(fd, out + len, size - 1 - len)) > 0)
		len += (size_t)n;
	out[n == 0 ? len : 0] = '\0';
	return n == 0;
}

static bool read_in(const char *directory, const char *name, char *out, size_t size)
{
	char path[600];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return read_file(path, out, size);
}

static unsigned read_quota(const char *directory, enum quota_version version)
{
	char quota[64], period[64], both[129];

	if (version == QUOTA_V2)
		return read_in(directory, "cpu.max", quota, sizeof(quota)) ? quota_parse(quota) : 0;
	if (!read_in(directory, "cpu.cfs_quota_us", quota, sizeof(quota)) || quota[0] == '-' ||
	    !read_in(directory, "cpu.cfs_period_us", period, sizeof(period)))
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

static unsigned climb(struct quota_group *group, enum quota_version version)
{
	unsigned least = read_quota(group->path, version);
	char *slash;

	while ((slash = strrchr(group->path + group->n_mount, '/'))) {
		*slash = '\0';
		least = smaller_limit(least, read_quota(group->path, version));
	}
	return least;
}

unsigned quota_cpus(void)
{
	autofree char *mounts = malloc(PROC_BYTES);
	char cgroups[4096];
	struct quota_group group;
	unsigned least = 0;

	if (!mounts || !read_file("/proc/self/cgroup", cgroups, sizeof(cgroups)) ||
	    !read_file("/proc/self/mountinfo", mounts, PROC_BYTES))
		return 0;
	for (enum quota_version v = QUOTA_V1; v <= QUOTA_V2; v++)
		if (quota_find(cgroups, mounts, v, &group))
			least = smaller_limit(least, climb(&group, v));
	return least;
}
