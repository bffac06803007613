/* SPDX-License-Identifier: MIT */
/* file - descriptors, and what they stand for */
#include "world/kernel.h"

#include <errno.h>
#include <string.h>

void *file_create(size_t size, enum file_kind kind, const struct file_ops *ops)
{
	struct file *f = world_alloc(size);

	f->kind = kind;
	f->ops = ops;
	f->owner = world.current;
	f->number = ++world.last_file;
	list_append(&world.files, &f->link);
	world.n_files++;
	return f;
}

void file_take(struct file *f)
{
	f->n_refs++;
}

void file_drop(struct file *f)
{
	if (--f->n_refs > 0)
		return;
	if (f->ops->release)
		f->ops->release(f);
	list_remove(&f->link);
	world.n_files--;
	world_free(f);
}

int file_install(struct process *p, struct file *f)
{
	for (int fd = 3; fd < FDS_MOST; fd++) {
		if (p->fds[fd])
			continue;
		p->fds[fd] = f;
		file_take(f);
		return fd;
	}
	errno = EMFILE;
	return -1;
}

void *file_get(int fd, enum file_kind kind)
{
	struct file *f = fd >= 0 && fd < FDS_MOST ? world.current->fds[fd] : NULL;

	if (f && f->kind == kind)
		return f;
	errno = f ? ENOTSOCK : EBADF;
	return NULL;
}

struct file *file_at(const struct process *p, int fd)
{
	holds(fd >= 0 && fd < FDS_MOST && p->fds[fd], "%s uses descriptor %d, which is not open", process_name(p),
	      fd);
	return p->fds[fd];
}

void file_close(struct process *p, int fd)
{
	struct file *f = file_at(p, fd);

	p->fds[fd] = NULL;
	f->owner = p;
	file_drop(f);
}

/* Nobody closes what is not open: the number may be another's by then. */
CALL(int, close, int fd)
{
	file_close(world.current, fd);
	return 0;
}

CALL(int, dup, int fd)
{
	return file_install(world.current, file_at(world.current, fd));
}
