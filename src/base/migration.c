/* SPDX-License-Identifier: MIT */
#include "base/migration.h"

#include "base/auto.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/file.h>
#include <unistd.h>

#define SWITCH "/proc/sys/net/ipv4/tcp_migrate_req"

static bool turn(int fd, char from, char to)
{
	char is = 0;

	return pread(fd, &is, 1, 0) == 1 && is == from && pwrite(fd, &to, 1, 0) == 1;
}

/* The lock is against others of us, who would restore what is not theirs. */
int migration_begin(void)
{
	autoclose int fd = open(SWITCH, O_RDWR | O_CLOEXEC);
	int begun;

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || !turn(fd, '0', '1'))
		return -1;
	begun = fd;
	fd = -1;		/* migration_end() closes it */
	return begun;
}

void migration_end(int begun)
{
	if (begun < 0)
		return;
	(void)turn(begun, '1', '0');
	close(begun);
}
