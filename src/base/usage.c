/* SPDX-License-Identifier: MIT */
#include "base/usage.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Return: bytes read, terminated; 0 = there are none. */
static size_t read_stat(pid_t pid, char *out, size_t size)
{
	char path[48];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd >= 0 ? read(fd, out, size - 1) : 0;
	if (fd >= 0)
		close(fd);
	out[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

/* The name, which may hold anything, ends with the last ')'; then state, ten numbers, utime, stime, ..., rss. */
void usage_read(pid_t pid, struct usage *ret_usage)
{
	unsigned long user, system, pages;
	char stat[1024];
	const char *end;

	*ret_usage = (struct usage){ 0, 0 };
	if (read_stat(pid, stat, sizeof(stat)) == 0 || !(end = strrchr(stat, ')')))
		return;
	if (sscanf(end, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %*d %*d %*u %*u %lu",
		   &user, &system, &pages) != 3)
		return;
	ret_usage->cpu_s = (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
	ret_usage->rss_bytes = (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}
