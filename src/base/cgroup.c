/* SPDX-License-Identifier: MIT */
#include "base/cgroup.h"
#include "base/auto.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define PROC_BYTES 65536	/* of mountinfo; on a machine with more mounts nothing is found */

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
static bool find_path(const char *cgroups, const char *controller, enum cgroup_version version,
		      const char **ret_path, size_t *ret_len)
{
	for (const char *line = cgroups; *line; line = next_line(line)) {
		const char *controllers = strchr(line, ':');
		const char *path = controllers ? strchr(controllers + 1, ':') : NULL;

		if (!path || path > next_line(line))
			continue;
		if (version == CGROUP_V2 ? strncmp(line, "0::", 3) == 0 : list_has(controllers + 1, controller)) {
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
static bool find_mount(const char *mounts, const char *controller, enum cgroup_version version,
		       struct mount *ret_mount)
{
	for (const char *line = mounts; *line; line = next_line(line)) {
		const char *dash = strstr(line, " - ");
		char type[32], super[256];

		if (!dash || dash > next_line(line) ||
		    sscanf(dash, " - %31s %*s %255s", type, super) != 2 ||
		    sscanf(line, "%*s %*s %*s %255s %255s", ret_mount->root, ret_mount->point) != 2)
			continue;
		if (version == CGROUP_V2 ? strcmp(type, "cgroup2") == 0
					 : strcmp(type, "cgroup") == 0 && list_has(super, controller))
			return true;
	}
	return false;
}

/* A container may see its own group as the root of the mount, and yet its full path in /proc, or "/../..". */
static bool is_below(const char *path, size_t len, const struct mount *mount, size_t *ret_n_root)
{
	size_t n_root = strcmp(mount->root, "/") == 0 ? 0 : strlen(mount->root);

	*ret_n_root = n_root;
	return n_root <= len && memcmp(path, mount->root, n_root) == 0 && (n_root == len || path[n_root] == '/') &&
	       !memmem(path + n_root, len - n_root, "/..", 3);
}

static bool compose(const char *root, const struct mount *mount, const char *path, size_t len,
		    struct cgroup *ret_group)
{
	size_t n_root;
	int n;

	if (is_below(path, len, mount, &n_root)) {
		path += n_root;
		len -= n_root;
	} else {
		len = 0;
	}
	while (len > 0 && path[len - 1] == '/')
		len--;
	n = snprintf(ret_group->path, sizeof(ret_group->path), "%s%s%.*s", root, mount->point, (int)len, path);
	ret_group->n_mount = strlen(root) + strlen(mount->point);
	return n > 0 && (size_t)n < sizeof(ret_group->path);
}

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

static bool read_below(const char *directory, const char *name, char *out, size_t size)
{
	char path[600];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return read_file(path, out, size);
}

bool cgroup_find(const char *root, const char *controller, enum cgroup_version version, struct cgroup *ret_group)
{
	autofree char *mounts = malloc(PROC_BYTES);
	char cgroups[4096];
	struct mount mount;
	const char *path;
	size_t len;

	ret_group->version = version;
	return mounts && read_below(root, "proc/self/cgroup", cgroups, sizeof(cgroups)) &&
	       find_path(cgroups, controller, version, &path, &len) &&
	       read_below(root, "proc/self/mountinfo", mounts, PROC_BYTES) &&
	       find_mount(mounts, controller, version, &mount) && compose(root, &mount, path, len, ret_group);
}

bool cgroup_climb(struct cgroup *group)
{
	char *slash = strrchr(group->path + group->n_mount, '/');

	if (slash)
		*slash = '\0';
	return slash != NULL;
}

bool cgroup_read(const struct cgroup *group, const char *name, char *out, size_t size)
{
	return read_below(group->path, name, out, size);
}
