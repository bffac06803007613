/* SPDX-License-Identifier: MIT */
/*
 * holder - who has what we cannot have
 *
 * The kernel gives a socket's inode and its owner's user (base/diag), /proc/PID/fd the process that has it open.
 * Only the processes that this user may look into are found.
 */
#include "parent/holder.h"

#include "base/address.h"
#include "base/auto.h"
#include "base/diag.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATE_BOUND 13	/* to a port, doing nothing yet: seen since Linux 6.8 */

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

void holder_name(pid_t pid, char out[HOLDER_TEXT_BYTES])
{
	char path[64];
	char comm[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	file = fopen(path, "re");
	if (file) {
		if (fgets(comm, sizeof(comm), file))
			comm[strcspn(comm, "\n")] = '\0';
		fclose(file);
	}
	for (char *c = comm; *c; c++)
		if (!isprint((unsigned char)*c))
			*c = '?';
	snprintf(out, HOLDER_TEXT_BYTES, "%s (pid %d)", comm[0] ? comm : "a process", (int)pid);
}

/* The lowest number first, which is the parent of a server's workers. */
pid_t holder_of_socket(unsigned long inode)
{
	DIR *dir = opendir("/proc");
	char socket_link[64];
	struct dirent *entry;
	int pid = 0;

	snprintf(socket_link, sizeof(socket_link), "socket:[%lu]", inode);
	while (dir && (entry = readdir(dir))) {
		pid = atoi(entry->d_name);	/* 0 for what is no process */
		if (pid > 0 && has_open(pid, socket_link))
			break;
		pid = 0;
	}
	if (dir)
		closedir(dir);
	return pid;
}

struct search {
	const struct address	*wanted;
	bool			 found;
	struct diag_socket	 first;
};

static void compare(const struct diag_socket *socket, void *arg)
{
	struct search *search = arg;
	bool apart = socket->v6only && search->wanted->any.sa_family == AF_INET;

	if (search->found || apart || !address_overlaps(&socket->address, search->wanted))
		return;
	search->first = *socket;
	search->found = true;
}

void holder_find(const struct address *address, char out[HOLDER_TEXT_BYTES])
{
	struct search search = { .wanted = address };
	uint16_t port = address_port(address);
	pid_t pid;

	out[0] = '\0';
	(void)diag_each(port, 1 << TCP_LISTEN, compare, &search);	/* not seen is not found */
	if (!search.found)
		(void)diag_each(port, 1 << STATE_BOUND, compare, &search);
	if (!search.found)
		return;
	pid = holder_of_socket(search.first.inode);
	if (pid > 0)
		holder_name(pid, out);
	else
		snprintf(out, HOLDER_TEXT_BYTES, "a process of user %u (not visible to this user)",
			 search.first.uid);
}
