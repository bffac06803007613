/* SPDX-License-Identifier: MIT */
/*
 * stored - a descriptor that a program has left with the parent, for the next one in its slot (FDSTORE=1,
 * sd_notify(3))
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define STORED_MOST		16	/* in a slot */
#define STORED_NAME_BYTES	64

struct stored {
	int	fd;
	char	name[STORED_NAME_BYTES];	/* terminated */
};

/* As LISTEN_FDNAMES can have it: printable, without a colon. */
static inline bool stored_is_name(const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (name[i] <= ' ' || name[i] > '~' || name[i] == ':')
			return false;
	return len > 0 && len < STORED_NAME_BYTES;
}
