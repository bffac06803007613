/* SPDX-License-Identifier: MIT */
/*
 * reserve - take an address before there are workers
 *
 * SO_REUSEPORT lets every process of this user in on a port, so binding with it proves nothing. A bind
 * without it fails when anybody listens there, whatever options they used; only then the real one is made.
 */
#include "base/address.h"
#include "base/auto.h"
#include "parent/crew.h"
#include "parent/parent.h"

#include <errno.h>
#include <stdio.h>

static int probe(const struct address *address)
{
	int fd = address_bind(address, false);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static int learn_port(int fd, struct address *address)
{
	struct address bound = { .len = sizeof(bound.v6) };

	if (getsockname(fd, &bound.any, &bound.len) < 0)
		return -errno;
	address_set_port(address, address_port(&bound));
	return 0;
}

static int bind_reserved(struct address *address, bool own_listeners, int *ret_fd)
{
	autoclose int fd = address_bind(address, own_listeners);
	int r;

	if (fd < 0)
		return fd;
	r = learn_port(fd, address);
	if (r < 0)
		return r;
	*ret_fd = fd;
	fd = -1;		/* the caller's */
	return 0;
}

int reserve_address(struct address *address, bool own_listeners, int *ret_fd, char *ret_holder,
		    size_t holder_bytes)
{
	int r = 0;

	stdio_complete();	/* because a socket must not become somebody's standard output */
	if (holder_bytes > 0)
		ret_holder[0] = '\0';
	if (address_port(address) != 0)		/* port 0 is never a taken one */
		r = probe(address);
	if (r == 0)
		r = bind_reserved(address, own_listeners, ret_fd);
	if (r == -EADDRINUSE)
		holder_find(address, ret_holder, holder_bytes);
	return r;
}
