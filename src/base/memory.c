/* SPDX-License-Identifier: MIT */
#include "base/memory.h"
#include "base/cgroup.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define RESERVE_LEAST	(16ull << 20)
#define UNLIMITED	(1ull << 60)	/* v1 has a number for it, of the size of the address space */

/* ---- limits ---- */

static uint64_t parse_limit(const char *text)
{
	uint64_t bytes;

	return sscanf(text, "%" SCNu64, &bytes) == 1 && bytes < UNLIMITED ? bytes : 0;	/* "max" is no number */
}

static uint64_t read_limit(const struct cgroup *group, const char *name)
{
	char text[64];

	return cgroup_read(group, name, text, sizeof(text)) ? parse_limit(text) : 0;
}

/* Of the lines "name value" of a file. Return: false = it is not there. */
static bool read_field(const struct cgroup *group, const char *file, const char *name, uint64_t *ret_value)
{
	char text[8192];
	size_t len = strlen(name);

	if (!cgroup_read(group, file, text, sizeof(text)))
		return false;
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, len) == 0 && line[len] == ' ')
			return sscanf(line + len, "%" SCNu64, ret_value) == 1;
	}
	return false;
}

static void tighten(uint64_t bytes, uint64_t *least)
{
	if (bytes != 0 && (*least == 0 || bytes < *least))
		*least = bytes;
}

/* v1 tells the tightest of all above, whether they are visible or not. */
static uint64_t read_limit_of_all(const struct cgroup *group)
{
	uint64_t bytes = 0;

	if (group->version == CGROUP_V2 || !read_field(group, "memory.stat", "hierarchical_memory_limit", &bytes))
		return 0;
	return bytes < UNLIMITED ? bytes : 0;
}

struct memory_limit memory_limit(const char *root)
{
	static const char *const names[] = { "memory.limit_in_bytes", "memory.max" };
	struct memory_limit limit = { 0, "memory.max" };
	struct cgroup group;

	for (enum cgroup_version v = 0; v < CGROUP_VERSIONS; v++) {
		uint64_t least = 0;

		if (!cgroup_find(root, "memory", v, &group))
			continue;
		tighten(read_limit_of_all(&group), &least);
		do
			tighten(read_limit(&group, names[v]), &least);
		while (cgroup_climb(&group));
		if (least != 0 && (limit.bytes == 0 || least < limit.bytes))
			limit = (struct memory_limit){ least, names[v] };
	}
	return limit;
}

uint64_t memory_fair_share(uint64_t limit_bytes, unsigned n_workers)
{
	uint64_t reserve = limit_bytes / 8;

	if (reserve < RESERVE_LEAST)
		reserve = RESERVE_LEAST;
	if (reserve > limit_bytes / 2)
		reserve = limit_bytes / 2;
	return (limit_bytes - reserve) / n_workers;
}

/* ---- kills ---- */

/* memory.events counts those of the groups below as well, which are not ours. */
uint64_t memory_oom_kills(const char *root)
{
	struct cgroup group;
	uint64_t n = 0;

	if (cgroup_find(root, "memory", CGROUP_V2, &group) &&
	    (read_field(&group, "memory.events.local", "oom_kill", &n) ||
	     read_field(&group, "memory.events", "oom_kill", &n)))
		return n;
	if (cgroup_find(root, "memory", CGROUP_V1, &group) &&
	    read_field(&group, "memory.oom_control", "oom_kill", &n))
		return n;
	return 0;
}
