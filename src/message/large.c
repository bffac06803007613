/* SPDX-License-Identifier: MIT */
#include "message/large.h"

#include "base/auto.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEALS (F_SEAL_SHRINK | F_SEAL_WRITE)

static int write_all(int fd, const char *from, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, from, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		from += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

int large_create(const void *data, size_t len)
{
	autoclose int fd = memfd_create("brood-message", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r = fd < 0 ? -errno : write_all(fd, data, len), created = fd;

	if (r == 0 && fcntl(fd, F_ADD_SEALS, SEALS | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		r = -errno;
	if (r < 0)
		return r;
	fd = -1;
	return created;
}

void *large_map(int fd, size_t len)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat about;
	void *at;

	if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &about) < 0 || (uint64_t)about.st_size < len)
		return NULL;
	at = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
	return at == MAP_FAILED ? NULL : at;
}

void large_unmap(void *at, size_t len)
{
	munmap(at, len);
}
