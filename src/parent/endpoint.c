/* SPDX-License-Identifier: MIT */
#include "parent/endpoint.h"

#include "base/auto.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 16
#define TURN_MS 1000	/* to wait for others who are at it */

static int fail(char why[ENDPOINT_WHY_BYTES], int error)
{
	snprintf(why, ENDPOINT_WHY_BYTES, "%s", strerror(error));
	return -error;
}

/* bind(2) makes the file with the mode that the socket has, so there is no moment in which it has another. */
static int bind_to(int fd, const struct sockaddr_un *address)
{
	if (fchmod(fd, 0600) < 0 || bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		return -errno;
	return 0;
}

/* Return: 0 when somebody listens there, *ret_pid or 0 when it cannot be known; or -errno of the attempt. */
static int find_listener(const struct sockaddr_un *address, pid_t *ret_pid)
{
	autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct ucred peer = { 0 };
	socklen_t len = sizeof(peer);

	if (fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0) {
		*ret_pid = 0;
		return errno == EAGAIN ? 0 : -errno;	/* a full queue is somebody's too */
	}
	*ret_pid = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 ? peer.pid : 0;
	return 0;
}

/* Return: 0 when the way is free. */
static int clear_way(const struct sockaddr_un *address, char why[ENDPOINT_WHY_BYTES])
{
	struct stat about;
	pid_t pid;
	int r;

	if (lstat(address->sun_path, &about) < 0)
		return errno == ENOENT ? 0 : fail(why, errno);
	if (!S_ISSOCK(about.st_mode)) {
		snprintf(why, ENDPOINT_WHY_BYTES, "is there, and no socket");
		return -EEXIST;
	}
	r = find_listener(address, &pid);
	if (r == -ECONNREFUSED)
		return unlink(address->sun_path) < 0 && errno != ENOENT ? fail(why, errno) : 0;
	if (r < 0)
		return fail(why, -r);
	snprintf(why, ENDPOINT_WHY_BYTES, "in use by pid %d", (int)pid);
	return -EADDRINUSE;
}

/*
 * Of two that find what a dead one has left, the second would remove the first one's new socket. Return: what has
 * them come one after another until it is closed; -1 = they do not, because the directory cannot be read.
 */
static int wait_for_turn(const struct sockaddr_un *address)
{
	char dir[sizeof(address->sun_path) + 1];
	const char *slash = strrchr(address->sun_path, '/');
	size_t len = slash ? (size_t)(slash + 1 - address->sun_path) : 0;
	int fd;

	snprintf(dir, sizeof(dir), "%.*s.", (int)len, address->sun_path);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int ms = 0; fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK && ms < TURN_MS; ms++)
		poll(NULL, 0, 1);
	return fd;
}

/* First nobody else's, so that there is no moment in which others may connect than those who are to. */
static int give_rights(const char *path, const struct unix_rights *rights)
{
	bool owned = rights->uid != (uid_t)-1 || rights->gid != (gid_t)-1;

	if (owned && lchown(path, rights->uid, rights->gid) < 0)
		return -errno;
	return rights->mode != 0600 && chmod(path, rights->mode) < 0 ? -errno : 0;
}

static int listen_at(int fd, const struct sockaddr_un *address, const struct unix_rights *rights, int backlog,
		     struct endpoint *endpoint, char why[ENDPOINT_WHY_BYTES])
{
	autoclose int turn_fd = wait_for_turn(address);
	struct stat about;
	int r = clear_way(address, why);

	(void)turn_fd;		/* until we return */
	if (r < 0)
		return r;
	r = bind_to(fd, address);
	if (r < 0)
		return fail(why, -r);
	r = give_rights(address->sun_path, rights);
	if (r < 0) {
		unlink(address->sun_path);
		return fail(why, -r);
	}
	if (listen(fd, backlog) < 0 || lstat(address->sun_path, &about) < 0) {
		r = fail(why, errno);
		unlink(address->sun_path);
		return r;
	}
	endpoint->dev = about.st_dev;
	endpoint->ino = about.st_ino;
	return 0;
}

int endpoint_open(const char *path, struct endpoint *ret_endpoint, char why[ENDPOINT_WHY_BYTES])
{
	return endpoint_open_as(path, &(struct unix_rights){ 0600, (uid_t)-1, (gid_t)-1 }, BACKLOG, ret_endpoint,
				why);
}

int endpoint_open_as(const char *path, const struct unix_rights *rights, int backlog, struct endpoint *ret_endpoint,
		     char why[ENDPOINT_WHY_BYTES])
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	int fd, r;

	*ret_endpoint = (struct endpoint){ .fd = -1 };
	if (len >= sizeof(address.sun_path)) {
		snprintf(why, ENDPOINT_WHY_BYTES, "longer than %zu bytes", sizeof(address.sun_path) - 1);
		return -ENAMETOOLONG;
	}
	memcpy(address.sun_path, path, len);
	memcpy(ret_endpoint->path, path, len);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(why, errno);
	r = listen_at(fd, &address, rights, backlog, ret_endpoint, why);
	if (r < 0)
		close(fd);
	else
		ret_endpoint->fd = fd;
	return r;
}

int endpoint_adopt(int fd, const char *path, struct endpoint *ret_endpoint)
{
	struct sockaddr_un address = { .sun_family = AF_UNSPEC };
	socklen_t len = sizeof(address), size = sizeof(int);
	int listens = 0;

	if (getsockname(fd, (struct sockaddr *)&address, &len) < 0 || address.sun_family != AF_UNIX ||
	    len <= offsetof(struct sockaddr_un, sun_path) || len > sizeof(address) || address.sun_path[0] == '\0' ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) < 0 || !listens)
		return -EINVAL;
	if (path && strncmp(path, address.sun_path, sizeof(address.sun_path)) != 0)
		return -EINVAL;
	*ret_endpoint = (struct endpoint){ .fd = fd };
	memcpy(ret_endpoint->path, address.sun_path, sizeof(address.sun_path) - 1);
	return 0;
}

/* Listening again makes our number the one that those who connect are told. */
void endpoint_own(struct endpoint *endpoint)
{
	struct stat about;

	(void)listen(endpoint->fd, BACKLOG);	/* it listens, so it cannot be refused */
	if (lstat(endpoint->path, &about) < 0 || !S_ISSOCK(about.st_mode))
		return;
	endpoint->dev = about.st_dev;
	endpoint->ino = about.st_ino;
}

void endpoint_remove(const struct endpoint *endpoint)
{
	struct stat about;

	if (lstat(endpoint->path, &about) == 0 && about.st_dev == endpoint->dev && about.st_ino == endpoint->ino)
		unlink(endpoint->path);
}

void endpoint_close(struct endpoint *endpoint)
{
	if (endpoint->fd < 0)
		return;
	endpoint_remove(endpoint);
	close(endpoint->fd);
	endpoint->fd = -1;
}
