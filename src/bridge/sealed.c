/* SPDX-License-Identifier: MIT */
#include "bridge/sealed.h"

#include "base/auto.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* Return: 0 or -errno; a write to memory is never short but for want of it. */
static int fill(int fd, const char *from, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, from, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENOSPC;
		from += n;
		len -= (size_t)n;
	}
	return fcntl(fd, F_ADD_SEALS, SEALS | F_SEAL_SEAL) < 0 ? -errno : 0;
}

int sealed_create(const char *name, const void *data, size_t len)
{
	autoclose int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r = fd < 0 ? -errno : fill(fd, data, len), created = fd;

	if (r < 0)
		return r;
	fd = -1;
	return created;
}

static bool is_sealed(int fd, size_t len)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat about;

	return seals >= 0 && (seals & SEALS) == SEALS && fstat(fd, &about) == 0 && (uint64_t)about.st_size == len;
}

int sealed_map(int fd, size_t len, void **ret_data)
{
	void *at;

	if (len == 0 || !is_sealed(fd, len))
		return -EPROTO;
	at = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	*ret_data = at;
	return 0;
}
