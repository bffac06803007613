/* SPDX-License-Identifier: MIT */
/* cgroups - processors, memory and processes that a control group grants */
#include "base/cgroup.h"
#include "base/memory.h"
#include "base/quota.h"
#include "base/units.h"
#include "doctor/doctor.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void check_cpu(const struct patient *p, struct finding *f)
{
	unsigned milli = quota_millicpus(p->root);
	char grant[64] = "";

	if (milli)
		snprintf(grant, sizeof(grant), ", the cgroup grants %u.%02u of them", milli / 1000,
			 milli % 1000 / 10);
	if (p->n_workers <= p->n_usable) {
		found(f, VERDICT_OK, "%u worker%s, %u usable%s", p->n_workers, p->n_workers == 1 ? "" : "s",
		      p->n_usable,
		      grant);
		return;
	}
	found(f, VERDICT_WARN, "%u workers, %u usable CPU%s%s", p->n_workers, p->n_usable,
	      p->n_usable == 1 ? "" : "s",
	      grant);
	means(f, milli ? "together they use the grant up early in each period, and all stand still for its rest"
		       : "they wait for each other, and requests with them");
	remedy(f, "brood", "--workers auto (%u)", p->n_usable);
	if (milli) {
		remedy(f, "docker run", "--cpus %u", p->n_workers);
		remedy(f, "compose", "cpus: %u", p->n_workers);
		remedy(f, "kubernetes", "resources: { limits: { cpu: \"%u\" } }", p->n_workers);
		remedy(f, "unit", "CPUQuota=%u%%", 100 * p->n_workers);
	}
}

/* ---- memory ---- */

#define PARENT_BYTES	(8ull << 20)
#define WORKER_BYTES	(4ull << 20)	/* receive buffers and connections, without the cache */

void check_memory(const struct patient *p, struct finding *f)
{
	uint64_t need = PARENT_BYTES + p->n_workers * (WORKER_BYTES + p->pool.cache_bytes);
	struct memory_limit limit = memory_limit(p->root);
	char is[UNITS_TEXT_BYTES], share[UNITS_TEXT_BYTES];
	unsigned long mib = (unsigned long)((need + (1 << 20) - 1) >> 20);

	if (limit.bytes == 0) {
		found(f, VERDICT_OK, "no cgroup limits it");
		return;
	}
	units_format_size(limit.bytes, is);
	units_format_size(memory_fair_share(limit.bytes, p->n_workers) & ~1023ull, share);
	if (limit.bytes >= need) {
		found(f, VERDICT_OK, "%s %s; --max-rss auto is %s for each of %u worker%s", limit.name, is, share,
		      p->n_workers, p->n_workers == 1 ? "" : "s");
		return;
	}
	found(f, VERDICT_WARN, "%s is %s; %u workers with their caches may need %lu MiB", limit.name, is,
	      p->n_workers, mib);
	means(f, "the kernel kills a worker when it is used up");
	remedy(f, "brood", "--workers %u, a smaller --cache-size, or --max-rss auto",
	       p->n_workers > 1 ? p->n_workers / 2 : 1);
	remedy(f, "docker run", "--memory %lum", mib);
	remedy(f, "compose", "mem_limit: %lum", mib);
	remedy(f, "kubernetes", "resources: { limits: { memory: %luMi } }", mib);
	remedy(f, "unit", "MemoryMax=%luM", mib);
}

static bool kills_all(const struct patient *p)
{
	struct cgroup group;
	char text[16];

	if (!cgroup_find(p->root, "memory", CGROUP_V2, &group))
		return false;
	do
		if (cgroup_read(&group, "memory.oom.group", text, sizeof(text)) && text[0] == '1')
			return true;
	while (cgroup_climb(&group));
	return false;
}

void check_oom_group(const struct patient *p, struct finding *f)
{
	if (!kills_all(p)) {
		found(f, VERDICT_OK, "out of memory costs one process");
		return;
	}
	found(f, VERDICT_WARN, "memory.oom.group is 1");
	means(f, "one worker that takes too much memory has the whole pool killed, parent and all");
	remedy(f, "kubernetes", "singleProcessOOMKill: true in the kubelet's configuration (1.32)");
	remedy(f, "unit", "OOMPolicy=continue");
	remedy(f, "host", "echo 0 >memory.oom.group in the group's directory");
	remedy(f, "brood", "--max-rss auto, so that workers are replaced before it comes to that");
}

/* ---- processes ---- */

/* 0 = no limit */
static unsigned long pids_limit(const struct patient *p)
{
	struct cgroup group;
	unsigned long least = 0;
	char text[32];

	for (enum cgroup_version v = 0; v < CGROUP_VERSIONS; v++) {
		if (!cgroup_find(p->root, "pids", v, &group))
			continue;
		do {
			bool there = cgroup_read(&group, "pids.max", text, sizeof(text));
			unsigned long most = there ? strtoul(text, NULL, 10) : 0;

			if (most && (!least || most < least))
				least = most;
		} while (cgroup_climb(&group));
	}
	return least;
}

void check_pids(const struct patient *p, struct finding *f)
{
	unsigned long need = 2ul * p->n_workers + 2;	/* two pools, in an upgrade */
	unsigned long limit = pids_limit(p);

	if (limit == 0 || limit >= need) {
		if (limit)
			found(f, VERDICT_OK, "%lu processes, and %lu are needed at most", limit, need);
		else
			found(f, VERDICT_OK, "no cgroup limits their number");
		return;
	}
	found(f, limit < p->n_workers + 2ul ? VERDICT_BAD : VERDICT_WARN, "pids.max is %lu", limit);
	means(f, "%u workers, their parent, and as many replacements in an upgrade are %lu processes",
	      p->n_workers, need);
	remedy(f, "docker run", "--pids-limit %lu", need + 10);
	remedy(f, "compose", "pids_limit: %lu", need + 10);
	remedy(f, "unit", "TasksMax=%lu", need + 10);
}
