/* SPDX-License-Identifier: MIT */
/*
 * engine - which of the two, and why
 *
 * io_uring may be refused by seccomp (EPERM, ENOSYS, EACCES), by kernel.io_uring_disabled (EPERM) or for
 * memory (ENOMEM: rings are charged to RLIMIT_MEMLOCK per user). Under auto each of these selects epoll;
 * asked for io_uring by name, each is an error that names the remedy.
 */
#include "engine/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <unistd.h>

#define SENDFILE_MOST (1024 * 1024)	/* in one go, so that one fast reader does not hold the loop */

static char disabled_by_sysctl(void)
{
	int fd = open("/proc/sys/kernel/io_uring_disabled", O_RDONLY | O_CLOEXEC);
	char value = '0';

	if (fd < 0)
		return '0';
	if (read(fd, &value, 1) != 1)
		value = '0';
	close(fd);
	return value;
}

static void explain_memory(char *why, size_t size)
{
	struct rlimit limit = { 0, 0 };

	getrlimit(RLIMIT_MEMLOCK, &limit);
	snprintf(why, size, "no memory for a ring: RLIMIT_MEMLOCK is %llu KiB per user; raise it (ulimit -l)",
		 (unsigned long long)limit.rlim_cur / 1024);
}

static void explain(int error, char *why, size_t size)
{
	char sysctl = disabled_by_sysctl();

	if (error == -ENOMEM)
		explain_memory(why, size);
	else if (error == -EPERM && sysctl != '0')
		snprintf(why, size, "io_uring refused: kernel.io_uring_disabled = %c", sysctl);
	else if (error == -EPERM || error == -EACCES || error == -ENOSYS)
		snprintf(why, size,
			 "io_uring refused: %s, as a seccomp profile does; allow io_uring_* (see brood doctor)",
			 strerror(-error));
	else if (error == -EOPNOTSUPP)
		snprintf(why, size, "io_uring of this kernel has no multishot receive; Linux 6.0 has");
	else
		snprintf(why, size, "io_uring refused: %s", strerror(-error));
}

int engine_create(enum engine_kind wanted, struct engine **ret_engine, char *ret_why, size_t size)
{
	int r;

	ret_why[0] = '\0';
	if (wanted == ENGINE_EPOLL)
		return epoll_create_engine(ret_engine);
	r = uring_create(ret_engine);
	if (r == 0)
		return 0;
	explain(r, ret_why, size);
	if (wanted == ENGINE_URING)
		return r;
	return epoll_create_engine(ret_engine);
}

void engine_destroy(struct engine *e)
{
	if (e)
		e->ops->destroy(e);
}

const char *engine_name(enum engine_kind kind)
{
	return kind == ENGINE_EPOLL ? "epoll" : "io_uring";
}

ssize_t engine_sendfile_now(int fd, int file_fd, uint64_t *offset, size_t len, bool *ret_full)
{
	size_t most = len < SENDFILE_MOST ? len : SENDFILE_MOST;
	off_t at = (off_t)*offset;
	ssize_t n = sendfile(fd, file_fd, &at, most);

	*ret_full = n < 0 ? errno == EAGAIN : n > 0 && (size_t)n < most;
	if (n < 0)
		return -errno;
	*offset = (uint64_t)at;
	return n;
}
