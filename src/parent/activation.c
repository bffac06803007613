/* SPDX-License-Identifier: MIT */
/*
 * activation - listening sockets that a service manager has passed to us: sd_listen_fds(3), without its library
 *
 * The manager holds each of them as well, and goes on listening when we have ended. So no worker and no parent
 * treats one as its last holder: nothing in it is refused, and what waits in it waits for the pool that is started
 * next. Only a pool that has one socket for all can use one; under `reuseport` every worker needs its own, which
 * could join the group of a socket of somebody else's only before that one listened.
 *
 * What is passed is checked like anything from outside. What nobody asks for is said, and closed.
 */
#include "base/address.h"
#include "base/log.h"
#include "parent/parent.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST_FD 3		/* SD_LISTEN_FDS_START */
#define PASSED_MOST 64
#define NAME_BYTES 64

struct activation {
	unsigned	n;
	struct passed {
		int		fd;		/* -1 = it is in use, or of no use */
		char		name[NAME_BYTES];
		struct address	address;
	} passed[PASSED_MOST];
};

/* ---- the variables ---- */

/* They are ours alone: nobody we start is to find them. Return: how many there are for us; 0 = none. */
static unsigned read_count(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	unsigned long n = pid && fds && strtol(pid, NULL, 10) == getpid() ? strtoul(fds, NULL, 10) : 0;

	return n < PASSED_MOST ? (unsigned)n : PASSED_MOST;
}

static void clear_variables(void)
{
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_PIDFDID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
}

/* "http:admin", in the order of the descriptors */
static void name_each(struct activation *a, const char *names)
{
	for (unsigned i = 0; i < a->n; i++) {
		size_t len = names ? strcspn(names, ":") : 0;

		snprintf(a->passed[i].name, NAME_BYTES, "%.*s", (int)(len < NAME_BYTES ? len : NAME_BYTES - 1),
			 names ? names : "");
		names = names && names[len] ? names + len + 1 : NULL;
	}
}

/* ---- what was passed ---- */

static bool has(int fd, int option, int wanted)
{
	int value;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 && value == wanted;
}

/* A manager's sockets wait; ours must not, whoever holds them too. Return: NULL, or what is wrong. */
static const char *prepare(struct passed *p)
{
	const int on = 1;
	int flags = fcntl(p->fd, F_GETFL);

	if (flags < 0)
		return "is not open";
	if (!has(p->fd, SO_PROTOCOL, IPPROTO_TCP) || !has(p->fd, SO_ACCEPTCONN, 1))
		return "is no TCP socket that listens";
	p->address.len = sizeof(p->address.v6);
	if (getsockname(p->fd, &p->address.any, &p->address.len) < 0 || fcntl(p->fd, F_SETFD, FD_CLOEXEC) < 0 ||
	    fcntl(p->fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return "cannot be used";
	(void)setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));	/* a matter of speed */
	return NULL;
}

static void discard(struct passed *p, const char *why)
{
	log_warn("descriptor %d%s%s, passed by LISTEN_FDS, %s: it is closed", p->fd, p->name[0] ? " " : "",
		 p->name, why);
	close(p->fd);
	p->fd = -1;
}

int activation_create(struct activation **ret_activation)
{
	unsigned n = read_count();
	struct activation *a = n > 0 ? calloc(1, sizeof(*a)) : NULL;

	if (a) {
		a->n = n;
		name_each(a, getenv("LISTEN_FDNAMES"));
	}
	clear_variables();
	for (unsigned i = 0; a && i < n; i++) {
		const char *why;

		a->passed[i].fd = FIRST_FD + (int)i;
		why = prepare(&a->passed[i]);
		if (why)
			discard(&a->passed[i], why);
	}
	*ret_activation = a;
	return n > 0 && !a ? -ENOMEM : 0;
}

static bool is_same(const struct address *a, const struct address *b)
{
	if (address_is_unix(a) || a->any.sa_family != b->any.sa_family || address_port(a) != address_port(b))
		return false;
	return a->any.sa_family == AF_INET
		? a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr
		: memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof(a->v6.sin6_addr)) == 0;
}

static struct passed *find(struct activation *a, const struct address *address)
{
	for (unsigned i = 0; a && i < a->n; i++)
		if (a->passed[i].fd >= 0 && is_same(&a->passed[i].address, address))
			return &a->passed[i];
	return NULL;
}

bool activation_has(struct activation *activation, const struct address *address)
{
	return find(activation, address);
}

int activation_take(struct activation *activation, const struct address *address)
{
	struct passed *p = find(activation, address);
	int fd = p->fd;

	p->fd = -1;
	return fd;
}

bool activation_next(struct activation *activation, struct address *ret_address)
{
	for (unsigned i = 0; activation && i < activation->n; i++) {
		if (activation->passed[i].fd < 0)
			continue;
		*ret_address = activation->passed[i].address;
		return true;
	}
	return false;
}

void activation_discard(struct activation *activation)
{
	for (unsigned i = 0; activation && i < activation->n; i++)
		if (activation->passed[i].fd >= 0)
			discard(&activation->passed[i], "is of an address that is not listened on");
}

void activation_destroy(struct activation *activation)
{
	for (unsigned i = 0; activation && i < activation->n; i++)
		if (activation->passed[i].fd >= 0)
			close(activation->passed[i].fd);
	free(activation);
}
