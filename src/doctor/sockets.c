/* SPDX-License-Identifier: MIT */
/* sockets - the addresses, and what the kernel allows on them */
#include "base/address.h"
#include "base/protocol.h"
#include "base/unix_rights.h"
#include "doctor/doctor.h"
#include "parent/parent.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define IPV4 "/proc/sys/net/ipv4/"

/* ---- the port ---- */

static enum sharing sharing_of(const struct patient *p)
{
	if (p->pool.model != BROOD_REUSEPORT)
		return NOT_SHARED;
	return p->pool.join ? SHARED_WITH_ANY : SHARED_BY_WORKERS;
}

/* Takes the address, as a pool would, and lets go of it. Return: 0 or -errno. */
static int try_address(const struct patient *p, const char *text, struct address *ret_address,
		       char ret_holder[HOLDER_TEXT_BYTES])
{
	struct reservation r;
	char plain[ADDRESS_TEXT_BYTES];
	struct unix_rights rights;
	enum protocol protocol;
	int error = unix_rights_parse(protocol_parse(text, &protocol), plain, sizeof(plain), &rights);

	if (error == 0)
		error = address_parse(plain, ret_address);
	if (error != 0)
		return error;
	if (address_is_unix(ret_address) || protocol == PROTOCOL_DATAGRAM)	/* not tried */
		return 0;
	error = reserve_address(ret_address, sharing_of(p), &r);
	memcpy(ret_holder, r.holder, HOLDER_TEXT_BYTES);
	if (r.fd >= 0)
		close(r.fd);
	if (r.claim_fd >= 0)
		close(r.claim_fd);
	return error;
}

static void tell_taken(struct finding *f, const char *text, const char *holder)
{
	bool is_pool = strncmp(holder, "brood ", 6) == 0;

	found(f, is_pool ? VERDICT_WARN : VERDICT_BAD, "%s is taken by %s", text,
	      holder[0] ? holder : "another process");
	if (is_pool) {
		means(f, "a pool is there, perhaps the one you mean; a second one would not start");
		remedy(f, "brood ctl", "upgrade (a new program), reload (new options), or stop");
		remedy(f, "brood", "--join, on both, to share it");
	} else {
		means(f, "a pool would not start");
		remedy(f, "brood", "--listen with another port, or end the other");
	}
}

static void tell_low(struct finding *f, const char *text, unsigned port)
{
	char number[16];

	snprintf(number, sizeof(number), "%u", port);
	found(f, VERDICT_BAD, "%s: ports below net.ipv4.ip_unprivileged_port_start are not for this user", text);
	means(f, "a pool would not start");
	remedy_sysctl(f, "net.ipv4.ip_unprivileged_port_start", number);
	remedy(f, "unit", "AmbientCapabilities=CAP_NET_BIND_SERVICE");
	remedy(f, "brood", "--listen with a higher port; or as root, with --user nobody");
}

void check_port(const struct patient *p, struct finding *f)
{
	char holder[HOLDER_TEXT_BYTES] = "";
	struct address address;
	int error = 0;
	size_t i;

	for (i = 0; i < p->n_listen && error == 0; i++)
		error = try_address(p, p->listen[i], &address, holder);
	if (error == 0 && holder[0]) {
		found(f, VERDICT_OK, "shared with %s", holder);
	} else if (error == 0) {
		found(f, VERDICT_OK, "%s%s free", p->listen[0], p->n_listen > 1 ? " and the others are" : " is");
	} else if (error == -EADDRINUSE) {
		tell_taken(f, p->listen[i - 1], holder);
	} else if (error == -EACCES) {
		tell_low(f, p->listen[i - 1], address_port(&address));
	} else {
		found(f, VERDICT_BAD, "%s: %s", p->listen[i - 1], strerror(-error));
		means(f, "a pool would not start");
		remedy(f, "brood", "--listen with an address of this machine, or :PORT for all of them");
	}
}

static bool is_reserved(const char *ranges, unsigned port)
{
	for (const char *range = ranges; *range; range += strcspn(range, ","), range += *range == ',') {
		unsigned from, to;
		int n = sscanf(range, "%u-%u", &from, &to);

		if ((n == 1 && port == from) || (n == 2 && port >= from && port <= to))
			return true;
	}
	return false;
}

void check_port_range(const struct patient *p, struct finding *f)
{
	unsigned from = 0, to = 0, port = 0;
	char text[64], reserved[64] = "", value[96];
	struct address address;
	size_t i;

	if (!read_line(IPV4 "ip_local_port_range", text, sizeof(text)) || sscanf(text, "%u %u", &from, &to) != 2)
		to = 0;
	(void)read_line(IPV4 "ip_local_reserved_ports", reserved, sizeof(reserved));
	for (i = 0; i < p->n_listen; i++) {
		enum protocol protocol;

		port = 0;
		if (address_parse(protocol_parse(p->listen[i], &protocol), &address) == 0)
			port = address_port(&address);
		if (port && port >= from && port <= to && !is_reserved(reserved, port))
			break;
	}
	if (i == p->n_listen) {
		found(f, VERDICT_OK, "the kernel gives out %u to %u to clients, and none that is listened on",
		      from, to);
		return;
	}
	found(f, VERDICT_WARN, "port %u is one of those that the kernel gives out to clients (%u to %u)", port,
	      from, to);
	means(f, "an outgoing connection may have it when the pool starts, which is refused then");
	snprintf(value, sizeof(value), "%s%s%u", reserved, reserved[0] ? "," : "", port);
	remedy_sysctl(f, "net.ipv4.ip_local_reserved_ports", value);
	remedy(f, "brood", "--listen with a port below %u", from);
}

/* ---- queues ---- */

void check_somaxconn(const struct patient *p, struct finding *f)
{
	unsigned long most = 0;
	char value[16];

	if (!read_number("/proc/sys/net/core/somaxconn", &most) || most >= p->pool.backlog) {
		found(f, VERDICT_OK, "enough for --backlog %u", p->pool.backlog);
		return;
	}
	found(f, VERDICT_WARN, "net.core.somaxconn is %lu, and --backlog %u", most, p->pool.backlog);
	means(f, "no more than %lu connections wait for a worker; the others have to try again, a second later",
	      most);
	snprintf(value, sizeof(value), "%u", p->pool.backlog);
	remedy_sysctl(f, "net.core.somaxconn", value);
	remedy(f, "brood", "--backlog %lu, to be content with it", most);
}

void check_syn_backlog(const struct patient *p, struct finding *f)
{
	unsigned long most = 0, cookies = 1;

	(void)read_number(IPV4 "tcp_syncookies", &cookies);
	if (!read_number(IPV4 "tcp_max_syn_backlog", &most) || cookies || most >= p->pool.backlog) {
		found(f, VERDICT_OK, "%lu handshakes a worker%s", most,
		      cookies ? ", and SYN cookies beyond that" : "");
		return;
	}
	found(f, VERDICT_WARN, "net.ipv4.tcp_max_syn_backlog is %lu, without SYN cookies", most);
	means(f, "with so many handshakes begun, as in a flood, further clients are not heard");
	remedy_sysctl(f, "net.ipv4.tcp_syncookies", "1");
}

/* ---- what is good to know ---- */

void check_migrate(const struct patient *p, struct finding *f)
{
	bool writable = access(IPV4 "tcp_migrate_req", W_OK) == 0;
	unsigned long on;

	if (!read_number(IPV4 "tcp_migrate_req", &on))
		found(f, VERDICT_OK,
		      "not in this kernel; listeners are emptied before they are closed, without it");
	else if (on || writable)
		found(f, VERDICT_OK, "%lu%s", on,
		      on ? "" : ", and set for a moment when a listener could not be emptied");
	else
		found(f, VERDICT_OK, "0; listeners are emptied before they are closed, without it");
}

void check_congestion(const struct patient *p, struct finding *f)
{
	char name[32] = "not known";

	(void)read_line(IPV4 "tcp_congestion_control", name, sizeof(name));
	found(f, VERDICT_OK, "%s%s", name,
	      strcmp(name, "bbr") == 0 ? ", which paces by timers: a little more CPU time for a response" : "");
}

/* ---- descriptors ---- */

#define WORKER_FDS 64		/* beside its connections */
#define FEW_CONNECTIONS 1000

/* As the parent raises its own limit, for two generations of workers. */
static unsigned long fds_of_parent(const struct patient *p)
{
	return 64 + 2 * (4ul * p->n_workers + 4) + p->n_workers * (p->n_listen + 2);
}

static void remedy_nofile(struct finding *f, unsigned long need)
{
	remedy(f, "docker run", "--ulimit nofile=%lu:%lu", need, need);
	remedy(f, "compose", "ulimits: { nofile: %lu }", need);
	remedy(f, "unit", "LimitNOFILE=%lu", need);
	remedy(f, "shell", "ulimit -n %lu (as root; or nofile in /etc/security/limits.conf)", need);
}

void check_nofile(const struct patient *p, struct finding *f)
{
	unsigned long need = WORKER_FDS + (p->pool.max_connections ? p->pool.max_connections : FEW_CONNECTIONS);
	struct rlimit limit = { 0, 0 };
	unsigned long most;

	if (need < fds_of_parent(p))
		need = fds_of_parent(p);
	getrlimit(RLIMIT_NOFILE, &limit);
	most = limit.rlim_max;		/* each process raises its own to that */
	if (most >= need) {
		found(f, VERDICT_OK, "%lu descriptors for each process", most);
		return;
	}
	found(f, VERDICT_WARN, "RLIMIT_NOFILE is %lu at most, and up to %lu would be used", most, need);
	if (most < fds_of_parent(p))
		means(f, "when many of the %u workers are replaced at a time, the parent cannot start some of them",
		      p->n_workers);
	else
		means(f, "a worker has room for about %lu connections; more wait until one ends",
		      most > WORKER_FDS ? most - WORKER_FDS : most / 2);
	remedy_nofile(f, (need + 1023) / 1024 * 1024);
}
