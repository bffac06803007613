/* SPDX-License-Identifier: MIT */
/*
 * claim - an address is one pool's, from before it binds until it stops
 *
 * Two pools that start at the same moment find nobody listening, and with SO_REUSEPORT both would be let in. So
 * each takes a name first, "brood/tcp/8080/127.0.0.1:8080", as that of an abstract socket (unix(7)): a network
 * namespace has each but once, and it is free again when the last process that holds the socket has gone. Addresses
 * that overlap have different names, which are looked for among all; who looks holds "brood/tcp/8080" meanwhile, so
 * that of two who look at the same moment the second finds the first.
 *
 * Anybody may take such a name, and is told by name like anybody who has the port.
 *
 * Fails by: /proc/net/unix that cannot be read: then addresses that overlap are found only when somebody listens.
 */
#include "parent/claim.h"

#include "base/address.h"
#include "base/auto.h"
#include "base/log.h"
#include "parent/holder.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define PREFIX		"brood/tcp/"
#define NAME_BYTES	96
#define TURN_MS		1000	/* to wait for others who look */

/* Those who ask for our number stay in the queue, because nobody takes them from it. */
#define ASKERS_MOST	128

static void name_claim(const struct address *address, char out[NAME_BYTES])
{
	char text[ADDRESS_TEXT_BYTES];

	address_format(address, text);
	snprintf(out, NAME_BYTES, PREFIX "%u/%.63s", address_port(address), text);
}

static socklen_t set_name(const char *name, struct sockaddr_un *ret_un)
{
	size_t len = strlen(name);

	*ret_un = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(ret_un->sun_path + 1, name, len);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len);
}

/* Return: a socket of this name, or -errno: -EADDRINUSE when another has it. */
static int take_name(const char *name)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_un un;
	socklen_t len = set_name(name, &un);
	int r;

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&un, len) == 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

/* ---- who has a name ---- */

static bool is_taken(const char *name)
{
	autoclose int fd = take_name(name);

	return fd == -EADDRINUSE;
}

/* Whoever listens there; 0 = nobody does, or in a container that we do not see into. */
static pid_t ask_number(const char *name)
{
	autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_un un;
	socklen_t len = set_name(name, &un);
	struct ucred cred;
	socklen_t size = sizeof(cred);

	if (fd < 0 || connect(fd, (struct sockaddr *)&un, len) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0)
		return 0;
	return cred.pid;
}

static void name_holder(const char *name, unsigned long inode, char out[HOLDER_TEXT_BYTES])
{
	pid_t pid = inode ? holder_of_socket(inode) : 0;

	if (pid <= 0)
		pid = ask_number(name);
	if (pid > 0)
		holder_name(pid, out);
	else
		snprintf(out, HOLDER_TEXT_BYTES, "a process that is not visible from here");
}

/* A line of /proc/net/unix: "0000: 00000002 00000000 00010000 0001 01 12345 @brood/tcp/8080/127.0.0.1:8080" */
static bool parse_row(const char *line, unsigned long *ret_inode, struct address *ret_address)
{
	char text[ADDRESS_TEXT_BYTES];

	return sscanf(line, "%*s %*s %*s %*s %*s %*s %lu @" PREFIX "%*u/%63s", ret_inode, text) == 2 &&
	       address_parse(text, ret_address) == 0;
}

/* Among all names one that overlaps with @address; a file may be called like it, but then nobody has the name. */
static bool find_overlap(const struct address *address, char ret_holder[HOLDER_TEXT_BYTES])
{
	FILE *file = fopen("/proc/net/unix", "re");
	bool found = false;
	char line[256];

	while (file && !found && fgets(line, sizeof(line), file)) {
		struct address other;
		char name[NAME_BYTES];
		unsigned long inode;

		if (!parse_row(line, &inode, &other) || !address_overlaps(&other, address))
			continue;
		name_claim(&other, name);
		found = is_taken(name);
		if (found)
			name_holder(name, inode, ret_holder);
	}
	if (file)
		fclose(file);
	return found;
}

/* ---- taking one ---- */

/* Briefly held by each who looks; who holds it longer has something else in mind. */
static int wait_for_turn(uint16_t port, char ret_holder[HOLDER_TEXT_BYTES])
{
	char name[NAME_BYTES];
	int fd;

	snprintf(name, sizeof(name), PREFIX "%u", port);
	fd = take_name(name);
	for (int ms = 0; fd == -EADDRINUSE && ms < TURN_MS; ms++) {
		poll(NULL, 0, 1);
		fd = take_name(name);
	}
	if (fd == -EADDRINUSE)
		name_holder(name, 0, ret_holder);
	return fd;
}

static int take_claim(const struct address *address, char ret_holder[HOLDER_TEXT_BYTES])
{
	char name[NAME_BYTES];
	int fd;

	if (find_overlap(address, ret_holder))
		return -EADDRINUSE;
	name_claim(address, name);
	fd = take_name(name);
	if (fd == -EADDRINUSE)
		name_holder(name, 0, ret_holder);
	else if (fd >= 0)
		claim_adopt(fd);
	return fd;
}

int claim_create(const struct address *address, char ret_holder[HOLDER_TEXT_BYTES])
{
	autoclose int turn_fd = wait_for_turn(address_port(address), ret_holder);
	char text[ADDRESS_TEXT_BYTES];
	int fd = turn_fd < 0 ? turn_fd : take_claim(address, ret_holder);

	if (fd >= 0 || fd == -EADDRINUSE)
		return fd;
	address_format(address, text);
	log_warn("%s: not kept from other pools that start at the same moment: %s", text, strerror(-fd));
	return -ENOTSUP;
}

void claim_adopt(int fd)
{
	/* bound as it is, it cannot be refused; and it would only cost our number */
	(void)listen(fd, ASKERS_MOST);
}

void claims_release(int fds[], unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}
