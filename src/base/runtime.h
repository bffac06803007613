/* SPDX-License-Identifier: MIT */
/*
 * runtime - where running pools can be found: a directory with a socket PORT.sock for each
 *
 * In this order: $RUNTIME_DIRECTORY, as systemd sets it; for root /run/brood; for others $XDG_RUNTIME_DIR/brood,
 * and /tmp/brood-UID, which works in a container too; last /run/brood, which a unit may have been given.
 */
#pragma once

#include <sys/types.h>

#define RUNTIME_SUFFIX		".sock"
#define RUNTIME_DIRS_MOST	4
#define RUNTIME_DIR_BYTES	96	/* with a name it still fits a socket's address */

struct runtime_dirs {
	unsigned	n;
	char		path[RUNTIME_DIRS_MOST][RUNTIME_DIR_BYTES];
};

/* Those of user @uid; whether they exist or not. */
void runtime_find(uid_t uid, struct runtime_dirs *ret_dirs);

/*
 * Creates @dir where it is missing. Return: 0, -ENOTDIR, -EPERM (somebody else could write to it), or another
 * -errno.
 */
int runtime_create(const char *dir);
