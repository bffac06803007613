/* SPDX-License-Identifier: MIT */
#include "async/bytes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_FIRST 1024

int bytes_append(struct bytes *bytes, const char *data, size_t len)
{
	size_t size = bytes->size ? bytes->size : SIZE_FIRST;
	char *more;

	while (size < bytes->len + len)
		size *= 2;
	more = size > bytes->size ? realloc(bytes->at, size) : bytes->at;
	if (!more)
		return -ENOMEM;
	bytes->at = more;
	bytes->size = size;
	if (len > 0)
		memcpy(more + bytes->len, data, len);
	bytes->len += len;
	return 0;
}
