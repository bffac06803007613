/* SPDX-License-Identifier: MIT */
/*
 * file - a regular file read or written as a whole, a piece a turn
 *
 * The kernel has no way to say that a regular file would block, so each piece may take as long as the disk does,
 * and the worker with it; what is in the page cache does not. Pieces keep a large file from being one long turn.
 * What is on a slow disk, or on a network, is for a task (brood_task()).
 */
#include "async/async.h"

#include "base/auto.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PIECE_BYTES (256 * 1024)
#define READ_MOST   (16 * 1024 * 1024)

struct errand {
	struct affair	 affair;
	struct alarm	 alarm;
	int		 fd;
	bool		 writes;
	int		 error;
	char		*path;		/* written beside it, then renamed over it */
	char		*draft;
	char		*data;
	size_t		 done;
	size_t		 len;
	brood_file_fn	*fn;
	void		*arg;
};

static void release(struct errand *e)
{
	reactor_alarm(async_reactor(), &e->alarm, ENGINE_NEVER);
	if (e->fd >= 0)
		close(e->fd);
	if (e->draft && e->error)
		(void)unlink(e->draft);
	free(e->path);
	free(e->draft);
	free(e->data);
	free(e);
}

static void tell(struct brood_request *request, void *arg)
{
	const struct errand *e = arg;
	bool has_data = !e->writes && e->error == 0;

	e->fn(e->error == -ECANCELED ? NULL : request, e->error, has_data ? e->data : "", has_data ? e->done : 0,
	      e->arg);
}

static void finish(struct errand *e, int error)
{
	e->error = error;
	if (error == 0 && e->writes && (close(e->fd) < 0 || rename(e->draft, e->path) < 0))
		e->error = -errno;
	if (e->writes && error == 0)
		e->fd = -1;
	affair_end(&e->affair);
	affair_call(e->affair.request, tell, e);
	release(e);
}

static void cancel(struct affair *affair, bool is_told)
{
	struct errand *e = (struct errand *)affair;

	e->error = -ECANCELED;
	if (is_told)
		(void)call_outside(affair->request, tell, e);
	release(e);
}

static ssize_t move_piece(const struct errand *e)
{
	size_t n = e->len - e->done < PIECE_BYTES ? e->len - e->done : PIECE_BYTES;

	if (e->writes)
		return write(e->fd, e->data + e->done, n);
	return pread(e->fd, e->data + e->done, n, (off_t)e->done);
}

static void go_on(void *arg)
{
	struct errand *e = arg;
	ssize_t n = e->done < e->len ? move_piece(e) : 0;

	if (n < 0 && errno != EINTR) {
		finish(e, -errno);
		return;
	}
	e->done += n > 0 ? (size_t)n : 0;
	if (n == 0 || e->done == e->len)	/* a file that has become shorter is what it is */
		finish(e, 0);
	else
		reactor_alarm(async_reactor(), &e->alarm, async_reactor()->engine->now_ms + 1);
}

/* Return: 0 or -errno; one that is none of its owner's files would block, or never end. */
static int open_to_read(struct errand *e, const char *path, size_t most)
{
	struct stat stat;

	e->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (e->fd < 0 || fstat(e->fd, &stat) < 0)
		return -errno;
	if (!S_ISREG(stat.st_mode))
		return S_ISDIR(stat.st_mode) ? -EISDIR : -EINVAL;
	if ((uint64_t)stat.st_size > (most ? most : READ_MOST))
		return -EFBIG;
	e->len = (size_t)stat.st_size;
	e->data = malloc(e->len + 1);
	return e->data ? 0 : -ENOMEM;
}

static int open_to_write(struct errand *e, const char *path, const void *data, size_t len, unsigned mode)
{
	e->writes = true;
	e->len = len;
	e->path = strdup(path);
	e->data = malloc(len + 1);
	if (!e->path || !e->data || asprintf(&e->draft, "%s.XXXXXX", path) < 0)
		return -ENOMEM;
	if (len > 0)
		memcpy(e->data, data, len);
	e->fd = mkostemp(e->draft, O_CLOEXEC);
	if (e->fd < 0) {
		int error = -errno;

		free(e->draft);
		e->draft = NULL;
		return error;
	}
	return fchmod(e->fd, mode ? mode : 0644) < 0 ? -errno : 0;
}

static struct errand *create(brood_file_fn *fn, void *arg)
{
	struct errand *e = calloc(1, sizeof(*e));

	if (e)
		*e = (struct errand){ .fd = -1, .fn = fn, .arg = arg, .alarm = { .fn = go_on, .arg = e } };
	return e;
}

static int begin(struct errand *e, struct brood_request *request, int error)
{
	if (error == 0)
		error = affair_begin(&e->affair, request, cancel);
	if (error < 0) {
		e->error = error;
		release(e);
		return error;
	}
	reactor_alarm(async_reactor(), &e->alarm, async_reactor()->engine->now_ms + 1);
	return 0;
}

int brood_read_file(struct brood_request *request, const char *path, size_t most, brood_file_fn *fn, void *arg)
{
	struct errand *e;

	if (!async_reactor() || !fn)
		return -EINVAL;
	e = create(fn, arg);
	return e ? begin(e, request, open_to_read(e, path, most)) : -ENOMEM;
}

int brood_write_file(struct brood_request *request, const char *path, const void *data, size_t len, unsigned mode,
		     brood_file_fn *fn, void *arg)
{
	struct errand *e;

	if (!async_reactor() || !fn)
		return -EINVAL;
	e = create(fn, arg);
	return e ? begin(e, request, open_to_write(e, path, data, len, mode)) : -ENOMEM;
}
