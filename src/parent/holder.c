/* SPDX-License-Identifier: MIT */
/*
 * holder - who listens on an address that we cannot have
 *
 * /proc/net/tcp and tcp6 give the socket's inode, /proc/PID/fd the process that has it open. Only the
 * processes this user may look into are found, so "unknown" is a common answer.
 */
#include "base/auto.h"
#include "parent/crew.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATE_LISTEN 0x0a

struct place {
	struct in6_addr	ip;	/* an IPv4 address as ::ffff:a.b.c.d */
	unsigned	port;
};

static void map_v4(uint32_t s_addr, struct in6_addr *ret_ip)
{
	*ret_ip = (struct in6_addr){ .s6_addr = { [10] = 0xff, [11] = 0xff } };
	memcpy(&ret_ip->s6_addr[12], &s_addr, sizeof(s_addr));
}

static struct place place_of(const struct address *address)
{
	struct place place = { .port = address_port(address) };

	if (address->any.sa_family == AF_INET)
		map_v4(address->v4.sin_addr.s_addr, &place.ip);
	else
		place.ip = address->v6.sin6_addr;
	return place;
}

static bool is_any(const struct in6_addr *ip)
{
	struct in6_addr any_v4;

	map_v4(0, &any_v4);
	return IN6_IS_ADDR_UNSPECIFIED(ip) || memcmp(ip, &any_v4, sizeof(any_v4)) == 0;
}

static bool collide(const struct place *a, const struct place *b)
{
	return a->port == b->port &&
	       (is_any(&a->ip) || is_any(&b->ip) || memcmp(&a->ip, &b->ip, sizeof(a->ip)) == 0);
}

/* The kernel prints the address's words as numbers: read back as numbers they are in place again. */
static bool parse_ip(const char *hex, struct in6_addr *ret_ip)
{
	uint32_t word[4];
	int n = sscanf(hex, "%8" SCNx32 "%8" SCNx32 "%8" SCNx32 "%8" SCNx32, &word[0], &word[1], &word[2],
		       &word[3]);

	if (n == 1)
		map_v4(word[0], ret_ip);
	else if (n == 4)
		memcpy(ret_ip, word, sizeof(*ret_ip));
	return n == 1 || n == 4;
}

/* "0: 0100007F:1F90 00000000:0000 0A 0:0 0:0 0 uid 0 inode ..." */
static bool parse_row(const char *line, struct place *ret_place, unsigned *ret_state,
		      unsigned long *ret_inode)
{
	char ip[33];

	return sscanf(line, " %*u: %32[0-9A-Fa-f]:%x %*[^ ] %x %*[^ ] %*[^ ] %*[^ ] %*u %*u %lu", ip,
		      &ret_place->port, ret_state, ret_inode) == 4 &&
	       parse_ip(ip, &ret_place->ip);
}

static unsigned long find_inode(const char *table, const struct place *wanted)
{
	FILE *file = fopen(table, "re");
	unsigned long found = 0;
	char line[512];

	if (!file)
		return 0;
	while (found == 0 && fgets(line, sizeof(line), file)) {
		struct place place;
		unsigned long inode;
		unsigned state;

		if (parse_row(line, &place, &state, &inode) && state == STATE_LISTEN &&
		    collide(&place, wanted))
			found = inode;
	}
	fclose(file);
	return found;
}

static bool has_open(int pid, const char *socket_link)
{
	char path[64 + NAME_MAX];
	char link[64];
	bool found = false;
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	while (!found && dir && (entry = readdir(dir))) {
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/%d/fd/%s", pid, entry->d_name);
		n = readlink(path, link, sizeof(link) - 1);
		if (n < 0)
			continue;
		link[n] = '\0';
		found = strcmp(link, socket_link) == 0;
	}
	if (dir)
		closedir(dir);
	return found;
}

static void name_process(int pid, char *out, size_t size)
{
	char path[64];
	char comm[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	file = fopen(path, "re");
	if (file) {
		if (fgets(comm, sizeof(comm), file))
			comm[strcspn(comm, "\n")] = '\0';
		fclose(file);
	}
	for (char *c = comm; *c; c++)
		if (!isprint((unsigned char)*c))
			*c = '?';
	snprintf(out, size, "%s (pid %d)", comm[0] ? comm : "?", pid);
}

/* The lowest number first, which is the parent of a server's workers. */
static bool find_process(unsigned long inode, char *out, size_t size)
{
	DIR *dir = opendir("/proc");
	char socket_link[64];
	bool found = false;
	struct dirent *entry;

	snprintf(socket_link, sizeof(socket_link), "socket:[%lu]", inode);
	while (!found && dir && (entry = readdir(dir))) {
		int pid = atoi(entry->d_name);	/* 0 for what is no process */

		found = pid > 0 && has_open(pid, socket_link);
		if (found)
			name_process(pid, out, size);
	}
	if (dir)
		closedir(dir);
	return found;
}

void holder_find(const struct address *address, char *out, size_t size)
{
	struct place wanted = place_of(address);
	unsigned long inode = find_inode("/proc/net/tcp", &wanted);

	if (inode == 0)
		inode = find_inode("/proc/net/tcp6", &wanted);
	if (inode == 0)
		snprintf(out, size, "unknown");
	else if (!find_process(inode, out, size))
		snprintf(out, size, "unknown (not visible to this user)");
}
