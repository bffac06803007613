/* SPDX-License-Identifier: MIT */
/*
 * probe - look beneath the root without leaving it and without waiting
 *
 * The kernel itself refuses what leads out (RESOLVE_BENEATH): "..", absolute links, links out, however
 * they are raced. O_NONBLOCK keeps a FIFO from waiting for its writer; what is no regular file is then
 * refused by its type. A neighbour NAME.br or NAME.gz counts when it is not older than NAME.
 */
#include "service/service.h"

#include "base/auto.h"
#include "service/files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/syscall.h>

#define RACES_MOST 8	/* renames meanwhile, before we say that we could not tell */

int probe_open(int root_fd, const char *name)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};

	for (int i = 0; i < RACES_MOST; i++) {
		long fd = syscall(SYS_openat2, root_fd, name, &how, sizeof(how));

		if (fd >= 0)
			return (int)fd;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
	}
	return -EAGAIN;
}

int identity_read(int fd, struct identity *ret_identity)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -EACCES;
	*ret_identity = (struct identity){
		st.st_dev, st.st_ino, (uint64_t)st.st_size, st.st_mtim, st.st_ctim };
	return 0;
}

static int open_file(int root_fd, const char *name, int *ret_fd, struct identity *ret_identity)
{
	autoclose int fd = probe_open(root_fd, name);
	int error;

	if (fd < 0)
		return fd;
	error = identity_read(fd, ret_identity);
	if (error < 0)
		return error;
	*ret_fd = fd;
	fd = -1;	/* the probe's now */
	return 0;
}

static bool is_older(struct timespec a, struct timespec b)
{
	return a.tv_sec < b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec < b.tv_nsec);
}

static bool ends_with(const struct name *name, struct span end)
{
	return name->len > end.len && memcmp(name->text + name->len - end.len, end.at, end.len) == 0;
}

static bool is_shortage(int error)
{
	return error == -EMFILE || error == -ENFILE || error == -ENOMEM || error == -EAGAIN;
}

/* One that cannot be used is as if it were not there, unless we could not tell. Return: 0 or -errno. */
static int open_neighbour(struct probe *probe, int root_fd, const struct name *name, enum coding coding,
			  const char *suffix)
{
	char text[NAME_BYTES + 4];
	int error;

	snprintf(text, sizeof(text), "%s%s", name->text, suffix);
	error = open_file(root_fd, text, &probe->fd[coding], &probe->identity[coding]);
	if (error < 0)
		return is_shortage(error) ? error : 0;
	if (is_older(probe->identity[coding].modified, probe->identity[CODING_NONE].modified)) {
		close(probe->fd[coding]);
		probe->fd[coding] = -1;
	}
	return 0;
}

int probe_init(struct probe *probe, int root_fd, const struct name *name)
{
	int error;

	*probe = (struct probe){ .fd = { -1, -1, -1 } };
	error = open_file(root_fd, name->text, &probe->fd[CODING_NONE], &probe->identity[CODING_NONE]);
	if (error < 0 || ends_with(name, SPAN(".br")) || ends_with(name, SPAN(".gz")))
		return error;
	error = open_neighbour(probe, root_fd, name, CODING_BROTLI, ".br");
	if (error == 0)
		error = open_neighbour(probe, root_fd, name, CODING_GZIP, ".gz");
	return error;
}

void probe_finish(struct probe *probe)
{
	for (int i = 0; i < N_CODINGS; i++)
		auto_close(&probe->fd[i]);
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool identity_equal(const struct identity *a, const struct identity *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       same_time(a->modified, b->modified) && same_time(a->changed, b->changed);
}

int probe_status(int error)
{
	switch (-error) {
	case ENOENT:
	case ENOTDIR:
	case ELOOP:
	case EXDEV:	/* it leads out: as good as not there */
		return 404;
	case EACCES:
	case EPERM:
	case EISDIR:
	case ENXIO:	/* a socket, or a device that is not there */
	case ENODEV:
		return 403;
	case ENAMETOOLONG:
		return 414;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case EAGAIN:
		return 503;
	default:
		return 500;
	}
}
