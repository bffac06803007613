/* SPDX-License-Identifier: MIT */
/* write - what can be written without waiting, to a descriptor that others may write to as well */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Writes @n bytes, as far as that is possible at once. A regular file takes all of them or fails.
 * Async-signal-safe.
 * Return: how many bytes were written; -EAGAIN (it is full), or another -errno.
 */
ssize_t write_now(int fd, const void *data, size_t n);

/*
 * Opens @path, a file or a FIFO, to append lines to it; it is made if it is not there (0640, less the umask).
 * Return: the descriptor, close-on-exec; -ENXIO (a FIFO nobody reads), or another -errno.
 */
int write_open(const char *path);
