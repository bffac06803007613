/* SPDX-License-Identifier: MIT */
#include "parent/stdio.h"

#include <fcntl.h>
#include <unistd.h>

void stdio_complete(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}
