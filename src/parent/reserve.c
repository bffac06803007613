/* SPDX-License-Identifier: MIT */
/*
 * reserve - take an address before there are workers
 *
 * SO_REUSEPORT lets every process of this user in on a port, so binding with it proves nothing. A bind
 * without it fails when anybody listens there, whatever options they used; only then the real one is made.
 * A pool that has not come to listening yet is known by its claim.
 */
#include "base/address.h"
#include "base/auto.h"
#include "parent/claim.h"
#include "parent/holder.h"
#include "parent/parent.h"
#include "parent/stdio.h"

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

/* Return: 0, or -EADDRINUSE; with no claim to be had, without one. */
static int claim(const struct address *address, enum sharing sharing, struct reservation *r)
{
	int fd = claim_create(address, r->holder);

	if (fd == -EADDRINUSE && sharing != SHARED_WITH_ANY)
		return fd;
	r->claim_fd = fd < 0 ? -1 : fd;
	return 0;
}

/* Port 0 is never a taken one, and has a number only when it is bound. */
static int take(struct address *address, enum sharing sharing, struct reservation *r)
{
	bool any_port = address_port(address) == 0;
	int error = any_port ? 0 : claim(address, sharing, r);

	if (error == 0 && sharing == SHARED_WITH_ANY && !r->holder[0])
		holder_find(address, r->holder);
	if (error == 0 && sharing != SHARED_WITH_ANY && !any_port)
		error = probe(address);
	if (error < 0)
		return error;
	r->fd = address_bind(address, sharing != NOT_SHARED);
	if (r->fd < 0)
		return r->fd;
	error = learn_port(r->fd, address);
	return error == 0 && any_port ? claim(address, sharing, r) : error;
}

static void give_back(struct reservation *r)
{
	if (r->fd >= 0)
		close(r->fd);
	if (r->claim_fd >= 0)
		close(r->claim_fd);
	r->fd = r->claim_fd = -1;
}

int reserve_address(struct address *address, enum sharing sharing, struct reservation *ret_reservation)
{
	struct reservation r = { .fd = -1, .claim_fd = -1 };
	int error;

	stdio_complete();	/* because a socket must not become somebody's standard output */
	error = take(address, sharing, &r);
	if (error == -EADDRINUSE && !r.holder[0])
		holder_find(address, r.holder);
	if (error < 0)
		give_back(&r);
	*ret_reservation = r;
	return error;
}
