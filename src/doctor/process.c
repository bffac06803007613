/* SPDX-License-Identifier: MIT */
/* process - who we are, who is process 1, who ends us, and when */
#include "balance/least.h"
#include "base/units.h"
#include "doctor/doctor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the balance that takes privilege ---- */

static void remedy_ebpf(struct finding *f, int error)
{
	if (error == -ENOSYS) {
		remedy(f, "build", "apt-get install clang bpftool libbpf-dev, and make again");
	} else if (error == -EPERM || error == -EACCES) {
		remedy(f, "docker run",
		       "--cap-add BPF --cap-add PERFMON --user 0, and brood --user nobody (podman: with our seccomp.json)");
		remedy(f, "compose", "cap_add: [BPF, PERFMON], user: \"0\", and brood --user nobody");
		remedy(f, "kubernetes",
		       "securityContext: { runAsUser: 0, capabilities: { add: [BPF, PERFMON] } }, and brood --user nobody");
		remedy(f, "unit", "AmbientCapabilities=CAP_BPF CAP_PERFMON");
	} else {
		remedy(f, "kernel", "Linux 5.17 or later");
	}
	remedy(f, "brood", "--balance weighted, to do without it and not be told");
}

void check_ebpf(const struct patient *p, struct finding *f)
{
	bool asked_for = p->pool.balance == BROOD_BALANCE_LEAST;
	struct least *least = NULL;
	char why[160];
	int error;

	if (p->pool.model != BROOD_REUSEPORT || p->pool.join ||
	    (p->pool.balance != BROOD_BALANCE_AUTO && !asked_for)) {
		found(f, VERDICT_OK, "not used with these options");
		return;
	}
	error = least_create(&least, why, sizeof(why));
	least_destroy(least);
	if (error == 0) {
		found(f, VERDICT_OK, "the program of --balance least can be loaded");
		return;
	}
	found(f, asked_for ? VERDICT_BAD : VERDICT_WARN, "--balance least: %s", why);
	means(f, asked_for ? "a pool would not start"
			   : "connections are balanced by weights, up to 1.3 times its share for one worker");
	remedy_ebpf(f, error);
}

/* ---- who ---- */

/* Root of a user namespace, as in rootless containers, is somebody else outside. */
static bool is_real_root(void)
{
	char map[64];
	unsigned inside, outside;

	return geteuid() == 0 && (!read_line("/proc/self/uid_map", map, sizeof(map)) ||
				  sscanf(map, "%u %u", &inside, &outside) != 2 || inside != 0 || outside == 0);
}

void check_user(const struct patient *p, struct finding *f)
{
	if (p->pool.user || p->pool.group || !is_real_root()) {
		found(f, VERDICT_OK, "workers are user %u", (unsigned)uid_of_workers(p));
		return;
	}
	found(f, VERDICT_WARN, "workers are root");
	means(f, "whoever takes over a handler has the machine");
	remedy(f, "brood", "--user nobody");
	remedy(f, "docker run", "--user 65532:65532");
	remedy(f, "compose", "user: \"65532:65532\"");
	remedy(f, "kubernetes", "securityContext: { runAsNonRoot: true, runAsUser: 65532 }");
	remedy(f, "unit", "DynamicUser=yes");
}

/* ---- process 1 ---- */

#define FIRST_PID_NAMESPACE 4026531836u		/* PROC_PID_INIT_INO of the kernel */

static bool is_in_container(void)
{
	struct stat about;

	return stat("/proc/self/ns/pid", &about) == 0 && about.st_ino != FIRST_PID_NAMESPACE;
}

static bool is_shell(const char *name)
{
	static const char *const shells[] = { "sh", "bash", "dash", "ash", "busybox", "ksh", "zsh" };

	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++)
		if (strcmp(name, shells[i]) == 0)
			return true;
	return false;
}

void check_process_1(const struct patient *p, struct finding *f)
{
	char name[32] = "not to be seen";

	if (getpid() == 1) {
		found(f, VERDICT_OK, "this is process 1; brood is made for that");
		return;
	}
	(void)read_line("/proc/1/comm", name, sizeof(name));
	if (!is_in_container() || !is_shell(name)) {
		found(f, VERDICT_OK, "process 1 is %s; orphans of workers are reaped by brood all the same", name);
		return;
	}
	found(f, VERDICT_WARN, "process 1 of this container is %s", name);
	means(f,
	      "a shell tells nobody that the container is to stop: after its grace all are killed, connections with them");
	remedy(f, "Dockerfile", "ENTRYPOINT [\"brood\", \"serve\"] (with brackets)");
	remedy(f, "compose", "entrypoint: [\"brood\", \"serve\"]");
	remedy(f, "kubernetes", "command: [\"brood\", \"serve\"]");
	remedy(f, "shell", "exec brood serve, as the last line of the script");
}

/* ---- the end ---- */

/* What a drain may take beyond its timeout. */
#define GRACE_MS 500

static uint64_t usual_stop_ms(const char **ret_runtime)
{
	if (getenv("KUBERNETES_SERVICE_HOST")) {
		*ret_runtime = "kubernetes gives 30 s";
		return 30000;
	}
	if (getenv("INVOCATION_ID")) {
		*ret_runtime = "systemd gives 90 s";
		return 90000;
	}
	*ret_runtime = "docker stop gives 10 s";
	return 10000;
}

/* It cannot be seen from inside, so what is usual is compared with. */
void check_stop_timeout(const struct patient *p, struct finding *f)
{
	uint64_t drain_ms = (uint64_t)p->pool.pre_drain_ms + p->pool.drain_timeout_ms;
	unsigned long need_s = (unsigned long)((drain_ms + GRACE_MS + 999) / 1000);
	char drain[UNITS_TEXT_BYTES];
	const char *runtime;

	units_format_duration(drain_ms, drain);
	if (drain_ms + GRACE_MS <= usual_stop_ms(&runtime)) {
		found(f, VERDICT_OK, "%s to drain, and %s unless told otherwise", drain, runtime);
		return;
	}
	found(f, VERDICT_WARN, "%s to drain, and %s unless told otherwise", drain, runtime);
	means(f, "if it was not, all are killed before the drain is over, and connections are cut");
	remedy(f, "docker run", "--stop-timeout %lu", need_s);
	remedy(f, "compose", "stop_grace_period: %lus", need_s);
	remedy(f, "kubernetes", "terminationGracePeriodSeconds: %lu", need_s);
	remedy(f, "unit", "TimeoutStopSec=%lu", need_s);
	remedy(f, "brood", "a shorter --drain-timeout%s", p->pool.pre_drain_ms ? " or --pre-drain" : "");
}
