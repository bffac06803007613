/* SPDX-License-Identifier: MIT */
#include "base/runtime.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYSTEM_DIR "/run/brood"

static void add(struct runtime_dirs *dirs, const char *path, const char *rest)
{
	char *out = dirs->path[dirs->n];

	if (!path || path[0] != '/' || snprintf(out, RUNTIME_DIR_BYTES, "%s%s", path, rest) >= RUNTIME_DIR_BYTES)
		return;
	for (unsigned i = 0; i < dirs->n; i++)
		if (strcmp(dirs->path[i], out) == 0)
			return;
	dirs->n++;
}

/* A unit can have several, separated by colons. */
static void add_of_unit(struct runtime_dirs *dirs)
{
	const char *list = getenv("RUNTIME_DIRECTORY");
	char first[RUNTIME_DIR_BYTES];
	size_t len = list ? strcspn(list, ":") : 0;

	if (len == 0 || len >= sizeof(first))
		return;
	memcpy(first, list, len);
	first[len] = '\0';
	add(dirs, first, "");
}

void runtime_find(uid_t uid, struct runtime_dirs *ret_dirs)
{
	char own[RUNTIME_DIR_BYTES];

	ret_dirs->n = 0;
	add_of_unit(ret_dirs);
	if (uid != 0) {		/* to root that variable may have come from the user before sudo */
		add(ret_dirs, getenv("XDG_RUNTIME_DIR"), "/brood");
		snprintf(own, sizeof(own), "/tmp/brood-%u", (unsigned)uid);
		add(ret_dirs, own, "");
	}
	add(ret_dirs, SYSTEM_DIR, "");
}

/* A directory in /tmp may have been made by anybody before. */
int runtime_create(const char *dir)
{
	struct stat about;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return -errno;
	if (lstat(dir, &about) < 0)
		return -errno;
	if (!S_ISDIR(about.st_mode))
		return -ENOTDIR;
	if ((about.st_uid != 0 && about.st_uid != geteuid()) || about.st_mode & (S_IWGRP | S_IWOTH))
		return -EPERM;
	return access(dir, W_OK | X_OK) < 0 ? -errno : 0;
}
