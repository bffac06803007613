/* SPDX-License-Identifier: MIT */
/*
 * logs - the files that the log and the access log go to, opened anew when they were moved away (SIGUSR1)
 *
 * Only the parent opens them: the workers may be somebody else by now, who may not. A log file takes the place of
 * stderr, so that what a handler or a library says is there too; a worker inherits both, and one that lives is sent
 * the new ones (LOG) and says when it is done with the old (REOPENED). When all have, one line says so, and from
 * then on nobody writes to the old files. Each worker has one such request under way at most, so that no number of
 * signals fills its channel.
 *
 * Fails by: a path that cannot be opened: at the start one line, and there is no pool; later a warning, and the old
 * file stays.
 */
#include "parent/logs.h"

#include "base/log.h"
#include "base/write.h"
#include "bridge/channel.h"
#include "parent/child.h"
#include "parent/crew.h"

#include <string.h>
#include <unistd.h>

static const char *access_path(const struct crew *crew)
{
	const char *path = crew->first->options.access_log;

	return path && strcmp(path, "-") != 0 ? path : NULL;
}

static int open_access(struct crew *crew)
{
	int fd;

	if (!access_path(crew)) {
		crew->access_fd = crew->first->options.access_log ? STDOUT_FILENO : -1;
		return 0;
	}
	fd = write_open(access_path(crew));
	if (fd < 0)
		return fd;
	logs_close(crew);
	crew->access_fd = fd;
	return 0;
}

void logs_close(struct crew *crew)
{
	if (crew->access_fd > STDERR_FILENO)
		close(crew->access_fd);
	crew->access_fd = -1;
}

static int fail(const char *option, const char *path, int error)
{
	log_error("cannot start: option %s: %s: %s", option, path, strerror(-error));
	return error;
}

int logs_open(struct crew *crew)
{
	const char *path = crew->first->options.log_file;
	int r = open_access(crew);

	if (r < 0)
		return fail("access_log", access_path(crew), r);
	r = path ? log_open(path) : 0;
	return r < 0 ? fail("log_file", path, r) : 0;
}

/* ---- anew ---- */

static void warn(const char *path, int error)
{
	log_warn("cannot open %s again: %s; the old file stays", path, strerror(-error));
}

const char *logs_reopen(struct crew *crew, const char *who)
{
	const char *path = crew->first->options.log_file;
	int r;

	if (!path && !access_path(crew))
		return "there is no log file to open again";
	log_info("%s: opening the logs again", who);
	r = path ? log_open(path) : 0;
	if (crew->was_ready)
		log_settle();
	if (r < 0)
		warn(path, r);
	r = open_access(crew);
	if (r < 0)
		warn(access_path(crew), r);
	crew->n_reopens++;
	crew->reopening = true;
	return NULL;
}

/* Return: 0 or -errno; told twice of one of them it does no harm. */
static int tell(const struct crew *crew, const struct child *child)
{
	struct log_msg log = { .last = access_path(crew) == NULL };
	int r = 0;

	if (crew->first->options.log_file)
		r = channel_send(child->channel_fd, CHANNEL_LOG, &log, STDERR_FILENO);
	if (r < 0 || !access_path(crew))
		return r;
	log = (struct log_msg){ .access = 1, .last = 1 };
	return channel_send(child->channel_fd, CHANNEL_LOG, &log, crew->access_fd);
}

static bool has_old(const struct crew *crew, const struct child *child)
{
	return child->channel_fd >= 0 && child->phase != CHILD_DYING && child->reopened != crew->n_reopens;
}

void logs_settle(struct crew *crew)
{
	bool all = true;

	if (!crew->reopening)
		return;
	child_each(crew, child) {
		if (!has_old(crew, child))
			continue;
		all = false;
		if (child->reopening == child->reopened && tell(crew, child) == 0)
			child->reopening = crew->n_reopens;
	}
	if (!all)
		return;
	crew->reopening = false;
	log_info("the logs are open again: nothing more goes to the old files");
}
