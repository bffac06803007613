/* SPDX-License-Identifier: MIT */
/* address - "127.0.0.1:8080", "[::1]:0", ":8080", "unix:/run/app.sock" to a socket address and back */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

struct address {
	union {
		struct sockaddr		any;
		struct sockaddr_in	v4;
		struct sockaddr_in6	v6;
		struct sockaddr_un	un;	/* has no port */
	};
	socklen_t	len;
};

#define ADDRESS_TEXT_BYTES 128

/*
 * ":PORT" is every address: [::]:PORT taking IPv4 too, or 0.0.0.0 where the machine has no IPv6.
 * "unix:PATH" is a UNIX socket. Numbers only, no name is looked up. Return: 0 or -EINVAL.
 */
int address_parse(const char *text, struct address *ret_address);

/* "127.0.0.1:8080", "[::1]:8080", "unix:/run/app.sock", or "unix:" of one without a name; terminated. */
void address_format(const struct address *address, char out[ADDRESS_TEXT_BYTES]);

/* ::ffff:a.b.c.d becomes a.b.c.d. */
void address_unmap(struct address *address);

static inline bool address_is_unix(const struct address *address)
{
	return address->any.sa_family == AF_UNIX;
}

/* 0 of one that has none. */
uint16_t address_port(const struct address *address);
void address_set_port(struct address *address, uint16_t port);

/* Whether a connection could be for both: same port, and same host or one of them every host. [::] is IPv4 too. */
bool address_overlaps(const struct address *a, const struct address *b);

/*
 * A TCP socket, of no UNIX address (non-blocking, close-on-exec, SO_REUSEADDR, TCP_NODELAY) bound to @address.
 * @reuseport: with SO_REUSEPORT. Return: the descriptor, or -errno.
 */
int address_bind(const struct address *address, bool reuseport);

/*
 * A UDP socket (non-blocking, close-on-exec), bound to @address, which tells where each datagram was sent to.
 * @reuseport: with SO_REUSEPORT. Return: the descriptor, or -errno.
 */
int address_bind_datagram(const struct address *address, bool reuseport);
