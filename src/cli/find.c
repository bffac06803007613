/* SPDX-License-Identifier: MIT */
/* find - which pools are running: those that listen in the runtime directories */
#include "base/control.h"
#include "base/runtime.h"
#include "cli/cli.h"
#include "cli/ctl.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct found {
	unsigned n;
	unsigned n_denied;
	char	 path[CTL_PATH_BYTES];		/* of the first */
	char	 denied[CTL_PATH_BYTES];
	char	 list[256];			/* of all, as far as they fit */
};

static bool is_socket_name(const char *name)
{
	size_t len = strlen(name), n = strlen(RUNTIME_SUFFIX);

	return len > n && strcmp(name + len - n, RUNTIME_SUFFIX) == 0;
}

/* In a directory that anybody could have made, somebody else may pose as our pool. */
static bool is_trusted(int fd)
{
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(peer);

	return geteuid() == 0 || (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
				  (peer.uid == 0 || peer.uid == geteuid()));
}

static void note_denied(const char *path, struct found *found)
{
	if (found->n_denied++ == 0)
		snprintf(found->denied, sizeof(found->denied), "%s", path);
}

static void try_path(const char *path, struct found *found)
{
	struct talk talk = { .fd = -1 };
	size_t len = strlen(found->list);
	int r;

	snprintf(talk.path, sizeof(talk.path), "%s", path);
	r = talk_connect(&talk);
	if (r == -EACCES)
		note_denied(path, found);
	if (r < 0)
		return;
	if (is_trusted(talk.fd)) {
		if (found->n++ == 0)
			memcpy(found->path, talk.path, sizeof(talk.path));
		snprintf(found->list + len, sizeof(found->list) - len, "%s%s", len > 0 ? ", " : "", path);
	}
	talk_end(&talk);
}

static void look_into(const char *dir, struct found *found)
{
	DIR *entries = opendir(dir);
	struct dirent *entry;

	if (!entries && errno == EACCES)
		note_denied(dir, found);
	while (entries && (entry = readdir(entries))) {
		char path[CTL_PATH_BYTES];

		if (is_socket_name(entry->d_name) &&
		    snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name) < (int)sizeof(path))
			try_path(path, found);
	}
	if (entries)
		closedir(entries);
}

static int tell_none(const struct found *found, const struct runtime_dirs *dirs)
{
	char list[RUNTIME_DIRS_MOST * RUNTIME_DIR_BYTES] = "";
	size_t len = 0;

	if (found->n_denied > 0) {
		complain("%s: permission denied; only root and the pool's user may", found->denied);
		return 1;
	}
	for (unsigned i = 0; i < dirs->n; i++)
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", i > 0 ? " or " : "", dirs->path[i]);
	complain("no pool found in %s; is it running? if so, give its --control PATH", list);
	return 1;
}

int find_pool(char ret_path[CTL_PATH_BYTES])
{
	struct found found = { .n = 0 };
	struct runtime_dirs dirs;

	runtime_find(geteuid(), &dirs);
	for (unsigned i = 0; i < dirs.n; i++)
		look_into(dirs.path[i], &found);
	if (found.n == 0)
		return tell_none(&found, &dirs);
	if (found.n > 1) {
		complain("%u pools are running: %s; say which with --control PATH", found.n, found.list);
		return 1;
	}
	memcpy(ret_path, found.path, CTL_PATH_BYTES);
	return 0;
}

int find_control(const char *control, char ret_path[CTL_PATH_BYTES])
{
	const char *path = control ? control : getenv("BROOD_CONTROL");

	if (!path || strcmp(path, CONTROL_AUTO) == 0)
		return find_pool(ret_path);
	if (strcmp(path, CONTROL_OFF) == 0)
		return complain("the control socket is off, says %s", control ? "--control" : "BROOD_CONTROL");
	if (path[0] == '\0' || strlen(path) >= CTL_PATH_BYTES)
		return complain("control socket \"%s\": a path has 1 to %d bytes", path, CTL_PATH_BYTES - 1);
	snprintf(ret_path, CTL_PATH_BYTES, "%s", path);
	return 0;
}

int find_complain(const char *path, int error)
{
	if (error == -EACCES)
		complain("%s: permission denied; only root and the pool's user may", path);
	else
		complain("no pool at %s: %s; is it running? is --control its PATH?", path, strerror(-error));
	return 1;
}
