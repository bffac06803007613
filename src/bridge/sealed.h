/* SPDX-License-Identifier: MIT */
/*
 * sealed - bytes that are too many to be copied through a socket: memory behind a descriptor that nobody can change
 */
#pragma once

#include <stddef.h>

/* A descriptor with a copy of @data. @name: for /proc. Return: it, or -errno. */
int sealed_create(const char *name, const void *data, size_t len);

/*
 * Maps what came as @fd, which may be anything, for reading; it stays the caller's. Unsealed it could be cut short
 * under us, which would be a fault of ours.
 * Return: 0 and munmap(2) is the caller's; -EPROTO: it is no memory of @len > 0 bytes that is sealed; or -errno.
 */
int sealed_map(int fd, size_t len, void **ret_data);
