/* SPDX-License-Identifier: MIT */
/* large - the text of a letter that does not fit into a packet: sealed memory behind a descriptor */
#pragma once

#include <stddef.h>

/* A descriptor with a copy of @data that nobody can change any more. Return: it, or -errno. */
int large_create(const void *data, size_t len);

/*
 * Maps what came as @fd, which may be anything, for reading; @len > 0.
 * Return: NULL = it is not memory of at least that size that is sealed against shrinking and writing, or no memory.
 */
void *large_map(int fd, size_t len);
void large_unmap(void *at, size_t len);
