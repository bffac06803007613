/* SPDX-License-Identifier: MIT */
/*
 * pidfile - drafted before the first fork, so that a path that cannot be written stops the start;
 * given its name when the pool is ready, removed at the end
 */
#include "parent/pidfile.h"

#include "base/auto.h"
#include "base/log.h"
#include "parent/crew.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int create_draft(const char *path)
{
	return open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
}

/* As process 1 of a container our number is always the same, and a draft of the last run may be there. */
static int open_draft(const char *path)
{
	int fd = create_draft(path);

	if (fd < 0 && errno == EEXIST && unlink(path) == 0)
		fd = create_draft(path);
	return fd;
}

static int write_draft(const char *path, pid_t pid)
{
	autoclose int fd = open_draft(path);

	if (fd < 0)
		return -errno;
	return dprintf(fd, "%d\n", (int)pid) < 0 ? -errno : 0;
}

int pidfile_draft(struct crew *crew)
{
	const char *path = crew->config->options.pid_file;
	char draft[PATH_MAX];
	int r;

	if (!path)
		return 0;
	r = snprintf(draft, sizeof(draft), "%s.%d", path, (int)crew->pid);
	r = r < (int)sizeof(draft) ? write_draft(draft, crew->pid) : -ENAMETOOLONG;
	if (r < 0)
		return r;
	crew->pid_file_draft = strdup(draft);
	if (crew->pid_file_draft)
		return 0;
	unlink(draft);
	return -ENOMEM;
}

void pidfile_publish(struct crew *crew)
{
	const char *path = crew->config->options.pid_file;

	if (!path)
		return;
	if (rename(crew->pid_file_draft, path) < 0)
		log_error("pid file %s: %s; going on without", path, strerror(errno));
	else
		crew->pid_file_published = true;
}

void pidfile_leave(struct crew *crew)
{
	free(crew->pid_file_draft);
	crew->pid_file_draft = NULL;
}

void pidfile_remove(struct crew *crew)
{
	if (crew->pid_file_draft)
		unlink(crew->pid_file_published ? crew->config->options.pid_file : crew->pid_file_draft);
	free(crew->pid_file_draft);
	crew->pid_file_draft = NULL;
}
