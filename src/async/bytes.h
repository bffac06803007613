/* SPDX-License-Identifier: MIT */
/* bytes - a buffer that grows */
#pragma once

#include <stddef.h>

/* Zeroed = empty; .at is freed by whoever has it. */
struct bytes {
	char	*at;
	size_t	 len;
	size_t	 size;
};

/* Return: 0 or -ENOMEM. */
int bytes_append(struct bytes *bytes, const char *data, size_t len);
