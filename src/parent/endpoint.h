/* SPDX-License-Identifier: MIT */
/*
 * endpoint - a listening UNIX socket and its place in the file system
 *
 * What another left behind is replaced, what somebody listens on is not, even if several come at the same moment.
 * The mode is 0600 from the first moment.
 */
#pragma once

#include "base/unix_rights.h"

#include <stddef.h>
#include <sys/types.h>

struct endpoint {
	int	fd;		/* -1 = none */
	char	path[108];	/* sun_path, terminated */
	dev_t	dev;		/* of the file, to know it again */
	ino_t	ino;
};

#define ENDPOINT_WHY_BYTES 96

/*
 * Return: 0, or -errno and @why says in words what is wrong: "in use by pid 812", "is there, and no socket".
 */
int endpoint_open(const char *path, struct endpoint *ret_endpoint, char why[ENDPOINT_WHY_BYTES]);

/* The same with these @rights from the moment it can be found, and room for @backlog. */
int endpoint_open_as(const char *path, const struct unix_rights *rights, int backlog, struct endpoint *ret_endpoint,
		     char why[ENDPOINT_WHY_BYTES]);

/*
 * Takes over @fd, of somebody who still listens there: at @path, or wherever that is when it is NULL.
 * Until endpoint_own() the file is not ours to remove.
 * Return: 0, or -EINVAL: it is no such socket, and is not taken.
 */
int endpoint_adopt(int fd, const char *path, struct endpoint *ret_endpoint);
/* The other one has left. */
void endpoint_own(struct endpoint *endpoint);

/* Removes the file, unless it is somebody else's by now. */
void endpoint_remove(const struct endpoint *endpoint);
/* The same, and closes it. */
void endpoint_close(struct endpoint *endpoint);
