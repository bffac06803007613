/* SPDX-License-Identifier: MIT */
/* uring - may io_uring be used, and if not, who forbids it? */
#include "doctor/doctor.h"
#include "engine/probe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define CAP_IS_SYS_ADMIN 21
#define DISABLED "/proc/sys/kernel/io_uring_disabled"

static unsigned long disabled(void)
{
	unsigned long value = 0;

	(void)read_number(DISABLED, &value);	/* there is none before Linux 6.6, and nothing is disabled then */
	return value;
}

static bool is_filtered(void)
{
	char mode[8];

	return read_status("Seccomp", mode, sizeof(mode)) && strcmp(mode, "2") == 0;
}

/* Without io_uring epoll serves, unless io_uring was asked for by name. */
static enum verdict verdict_without(const struct patient *p)
{
	return p->pool.engine == BROOD_ENGINE_URING ? VERDICT_BAD : VERDICT_WARN;
}

static bool is_wanted(const struct patient *p, struct finding *f)
{
	if (p->pool.engine == BROOD_ENGINE_EPOLL)
		found(f, VERDICT_OK, "not looked at, because of --engine epoll");
	return p->pool.engine != BROOD_ENGINE_EPOLL;
}

/* ---- io_uring ---- */

static void remedy_filter(struct finding *f)
{
	remedy(f, "docker run",
	       "--security-opt seccomp=seccomp.json (tools/container/seccomp.json: the default and io_uring)");
	remedy(f, "compose", "security_opt: [\"seccomp=./seccomp.json\"]");
	remedy(f, "kubernetes",
	       "securityContext: { seccompProfile: { type: Localhost, localhostProfile: brood.json } }");
	remedy(f, "unit", "SystemCallFilter=@aio");
}

static void remedy_uring(struct finding *f, int error)
{
	if (error == -ENOMEM)
		remedy(f, "see", "memlock, below");
	else if (error == -EPERM && disabled() != 0)
		remedy(f, "see", "io_uring_disabled, below");
	else if ((error == -EPERM || error == -EACCES || error == -ENOSYS) && is_filtered())
		remedy_filter(f);
	else if (error == -ENOSYS)
		remedy(f, "kernel", "one with CONFIG_IO_URING=y");
	else if (error == -EOPNOTSUPP || error == -EINVAL)
		remedy(f, "kernel", "Linux 6.0 or later, 6.1 at best");
	else
		remedy(f, "host", "a security module such as SELinux forbids it; allow this program io_uring");
	remedy(f, "brood", "--engine epoll, to do without it and not be told");
}

static const struct engine_feature *first_broken(const struct engine_report *report, bool optional)
{
	for (unsigned i = 0; i < report->n_features; i++)
		if (report->features[i].error < 0 && report->features[i].optional == optional)
			return &report->features[i];
	return NULL;
}

void check_uring(const struct patient *p, struct finding *f)
{
	const struct engine_feature *broken, *missing;
	struct engine_report report;

	if (!is_wanted(p, f))
		return;
	engine_probe(&report);
	broken = first_broken(&report, false);
	missing = first_broken(&report, true);
	if (report.error < 0) {
		found(f, verdict_without(p), "%.*s", (int)strcspn(report.why, ";"), report.why);
		if (p->pool.engine == BROOD_ENGINE_URING)
			means(f, "a pool with --engine uring does not start");
		else
			means(f, "workers serve on epoll, at a somewhat higher cost");
		remedy_uring(f, report.error);
	} else if (broken) {
		found(f, VERDICT_BAD, "set up, but this does not work: %s (%s)", broken->name,
		      strerror(-broken->error));
		means(f, "workers would take io_uring and not serve well with it");
		remedy(f, "brood", "--engine epoll");
	} else if (missing) {
		found(f, VERDICT_OK, "works; this kernel does not have: %s", missing->name);
	} else {
		found(f, VERDICT_OK, "works, with all %u features that are used", report.n_features);
	}
}

/* ---- the sysctl ---- */

static bool may_all_the_same(void)
{
	unsigned long group;
	gid_t groups[1024];
	int n = getgroups(1024, groups);

	if (has_capability(CAP_IS_SYS_ADMIN))
		return true;
	if (!read_number("/proc/sys/kernel/io_uring_group", &group))
		return false;
	for (int i = 0; i < n; i++)
		if (groups[i] == group)
			return true;
	return getegid() == group;
}

void check_uring_disabled(const struct patient *p, struct finding *f)
{
	unsigned long value = disabled();

	if (!is_wanted(p, f))
		return;
	if (value == 0 || (value == 1 && may_all_the_same())) {
		found(f, VERDICT_OK, "kernel.io_uring_disabled is %lu%s", value,
		      value ? ", and this user may" : "");
		return;
	}
	found(f, verdict_without(p), "kernel.io_uring_disabled is %lu", value);
	means(f, value == 1 ? "only root and one group may use io_uring" : "nobody may use io_uring");
	remedy(f, "sysctl", "sysctl -w kernel.io_uring_disabled=0 (on the host: it is not a container's own)");
	if (value == 1)
		remedy(f, "sysctl", "or sysctl -w kernel.io_uring_group=%u", getegid());
}

void check_seccomp(const struct patient *p, struct finding *f)
{
	char mode[8], n[16];

	if (!read_status("Seccomp", mode, sizeof(mode)) || strcmp(mode, "0") == 0)
		found(f, VERDICT_OK, "no filter");
	else if (!read_status("Seccomp_filters", n, sizeof(n)))
		found(f, VERDICT_OK, "mode %s", mode);
	else
		found(f, VERDICT_OK, "%s filter%s; what they refuse shows in the other lines", n,
		      strcmp(n, "1") == 0 ? "" : "s");
}

/* ---- locked memory ---- */

static unsigned long in_mib(unsigned long bytes)
{
	return (bytes + (1 << 20) - 1) >> 20;
}

void check_memlock(const struct patient *p, struct finding *f)
{
	unsigned long need = (unsigned long)(p->n_workers + p->pool.surge) * ENGINE_LOCKED_BYTES;
	struct rlimit limit = { 0, 0 };
	unsigned long mib;

	if (!is_wanted(p, f))
		return;
	getrlimit(RLIMIT_MEMLOCK, &limit);
	if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= need) {
		found(f, VERDICT_OK, "enough: %u workers need up to %lu KiB", p->n_workers, need / 1024);
		return;
	}
	if (!engine_is_charged(uid_of_workers(p))) {
		found(f, VERDICT_OK, "%lu KiB, and no ring is charged to it here",
		      (unsigned long)limit.rlim_cur / 1024);
		return;
	}
	mib = in_mib(need);
	found(f, VERDICT_WARN, "RLIMIT_MEMLOCK is %lu KiB for all processes of the user; %u workers need %lu",
	      (unsigned long)limit.rlim_cur / 1024, p->n_workers, need / 1024);
	means(f, "workers get smaller rings, or serve on epoll; a replacement may come late");
	remedy(f, "docker run", "--ulimit memlock=%lu", mib << 20);
	remedy(f, "compose", "ulimits: { memlock: %lu }", mib << 20);
	remedy(f, "unit", "LimitMEMLOCK=%luM", mib);
	remedy(f, "shell", "ulimit -l %lu (as root; or memlock in /etc/security/limits.conf)", mib << 10);
}
