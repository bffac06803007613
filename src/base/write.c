/* SPDX-License-Identifier: MIT */
#include "base/write.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static bool is_file(int fd)
{
	struct stat about;

	return fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
}

/*
 * The descriptor may be anybody's, so it stays as it is. poll() alone would not do: others fill the pipe before us.
 */
ssize_t write_now(int fd, const void *data, size_t n)
{
	struct pollfd ready = { .fd = fd, .events = POLLOUT };
	struct iovec whole = { (void *)data, n };
	ssize_t done;

	if (poll(&ready, 1, 0) != 1 || !(ready.revents & POLLOUT))
		return ready.revents & (POLLERR | POLLHUP) ? -EPIPE : ready.revents & POLLNVAL ? -EBADF : -EAGAIN;
	done = pwritev2(fd, &whole, 1, -1, RWF_NOWAIT);
	if (done < 0 && (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL || is_file(fd)))
		done = write(fd, data, n);
	return done < 0 ? -errno : done;
}

int write_open(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0640);

	return fd < 0 ? -errno : fd;
}
