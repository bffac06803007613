/* SPDX-License-Identifier: MIT */
/*
 * family - the program and all it has started, as /proc shows them
 *
 * We are the subreaper of all of them, so whoever loses its parent becomes our child: nobody gets out of sight, and
 * when we have no child any more nobody is left.
 *
 * Fails by: a /proc that cannot be read; then nobody is seen, and the end of our process group has to do.
 */
#include "guest/room.h"

#include "base/clock.h"
#include "base/diag.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define END_MS		1000	/* for what was killed to be gone */
#define SOCKETS_MOST	4096

static void add_from(struct family *family, const char *path)
{
	FILE *file = fopen(path, "re");
	int pid;

	while (file && family->n < FAMILY_MOST && fscanf(file, "%d", &pid) == 1)
		family->pid[family->n++] = pid;
	if (file)
		fclose(file);
}

/* A process's children are listed with the thread that has started them. */
static void add_children(struct family *family, pid_t pid)
{
	char path[64 + NAME_MAX];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%s/children", (int)pid, entry->d_name);
		add_from(family, path);
	}
	if (dir)
		closedir(dir);
}

void family_list(struct family *ret_family)
{
	ret_family->n = 0;
	add_children(ret_family, getpid());
	for (unsigned i = 0; i < ret_family->n; i++)
		add_children(ret_family, ret_family->pid[i]);
}

bool family_has(pid_t pid)
{
	struct family family;

	family_list(&family);
	for (unsigned i = 0; i < family.n; i++)
		if (family.pid[i] == pid)
			return true;
	return false;
}

void family_signal(int number)
{
	struct family family;

	family_list(&family);
	for (unsigned i = 0; i < family.n; i++)
		kill(family.pid[i], number);
}

/* Return: whether there are any left. */
static bool reap(void)
{
	siginfo_t info;
	int r = 0;

	do {
		info.si_pid = 0;
		r = waitid(P_ALL, 0, &info, WEXITED | WNOHANG);
	} while (r == 0 && info.si_pid != 0);
	return r == 0;
}

/* More than once, because what is killed may have started more. */
void family_end(void)
{
	const struct timespec moment = { .tv_nsec = 1000000 };
	uint64_t until_ms = clock_ms() + END_MS;

	while (reap() && clock_ms() < until_ms) {
		family_signal(SIGKILL);
		nanosleep(&moment, NULL);
	}
}

static uint64_t rss_bytes_of(pid_t pid)
{
	char path[64];
	uint64_t pages = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	file = fopen(path, "re");
	if (file && fscanf(file, "%*u %" SCNu64, &pages) != 1)
		pages = 0;
	if (file)
		fclose(file);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t family_rss_bytes(void)
{
	struct family family;
	uint64_t n_bytes = 0;

	family_list(&family);
	for (unsigned i = 0; i < family.n; i++)
		n_bytes += rss_bytes_of(family.pid[i]);
	return n_bytes;
}

/* ---- sockets ---- */

struct inodes {
	unsigned	n;
	unsigned	n_found;
	uint32_t	inode[SOCKETS_MOST];	/* 0 = found already */
};

static void add_socket(const struct diag_socket *socket, void *arg)
{
	struct inodes *inodes = arg;

	if (socket->inode != 0 && inodes->n < SOCKETS_MOST)
		inodes->inode[inodes->n++] = socket->inode;
}

static void find_socket(struct inodes *inodes, uint32_t inode)
{
	for (unsigned i = 0; i < inodes->n; i++) {
		if (inodes->inode[i] != inode)
			continue;
		inodes->inode[i] = 0;
		inodes->n_found++;
		return;
	}
}

static void find_sockets_of(struct inodes *inodes, pid_t pid)
{
	char path[64 + NAME_MAX], link[64];
	struct dirent *entry;
	unsigned inode;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/%d/fd/%s", (int)pid, entry->d_name);
		n = readlink(path, link, sizeof(link) - 1);
		if (n < 0)
			continue;
		link[n] = '\0';
		if (sscanf(link, "socket:[%u]", &inode) == 1)
			find_socket(inodes, inode);
	}
	if (dir)
		closedir(dir);
}

unsigned family_n_sockets(const uint16_t ports[], unsigned n_ports, uint32_t states)
{
	struct inodes *inodes = calloc(1, sizeof(*inodes));
	struct family family;
	unsigned n;

	if (!inodes)
		return 0;
	for (unsigned i = 0; i < n_ports; i++)
		(void)diag_each(ports[i], states, add_socket, inodes);	/* what cannot be seen is not found */
	family_list(&family);
	for (unsigned i = 0; i < family.n && inodes->n > 0; i++)
		find_sockets_of(inodes, family.pid[i]);
	n = inodes->n_found;
	free(inodes);
	return n;
}
