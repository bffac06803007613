/* SPDX-License-Identifier: MIT */
#include "base/address.h"

#include "base/unix_rights.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int parse_port(const char *text, in_port_t *ret_port)
{
	unsigned port = 0;
	size_t len = strspn(text, "0123456789");

	if (len == 0 || len > 5 || text[len])
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		port = port * 10 + (unsigned)(text[i] - '0');
	if (port > UINT16_MAX)
		return -EINVAL;
	*ret_port = htons((uint16_t)port);
	return 0;
}

static bool machine_has_ipv6(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void set_any(struct address *address, in_port_t port)
{
	if (machine_has_ipv6()) {
		address->v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = port };
		address->len = sizeof(address->v6);
	} else {
		address->v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = port };
		address->len = sizeof(address->v4);
	}
}

static int set_v4(struct address *address, const char *host, in_port_t port)
{
	address->v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = port };
	address->len = sizeof(address->v4);
	return inet_pton(AF_INET, host, &address->v4.sin_addr) == 1 ? 0 : -EINVAL;
}

/* @host is still in its brackets. */
static int set_v6(struct address *address, char *host, in_port_t port)
{
	size_t len = strlen(host);

	if (host[len - 1] != ']')
		return -EINVAL;
	host[len - 1] = '\0';
	address->v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = port };
	address->len = sizeof(address->v6);
	return inet_pton(AF_INET6, host + 1, &address->v6.sin6_addr) == 1 ? 0 : -EINVAL;
}

static int parse_unix(const char *path, struct address *ret_address)
{
	struct address address = { .un = { .sun_family = AF_UNIX }, .len = sizeof(address.un) };
	size_t len = strlen(path);

	if (len == 0 || len >= sizeof(address.un.sun_path))
		return -EINVAL;
	memcpy(address.un.sun_path, path, len);
	*ret_address = address;
	return 0;
}

int address_parse(const char *text, struct address *ret_address)
{
	struct address address = { .len = 0 };
	const char *colon = strrchr(text, ':');
	char host[ADDRESS_TEXT_BYTES];
	in_port_t port;
	int r;

	if (strncmp(text, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0)
		return parse_unix(text + strlen(UNIX_PREFIX), ret_address);
	if (!colon || (size_t)(colon - text) >= sizeof(host) || parse_port(colon + 1, &port) < 0)
		return -EINVAL;
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = '\0';
	if (host[0] == '\0') {
		set_any(&address, port);
		r = 0;
	} else if (host[0] == '[') {
		r = set_v6(&address, host, port);
	} else {
		r = set_v4(&address, host, port);
	}
	if (r == 0)
		*ret_address = address;
	return r;
}

void address_format(const struct address *address, char out[ADDRESS_TEXT_BYTES])
{
	char host[INET6_ADDRSTRLEN];

	if (address_is_unix(address)) {
		snprintf(out, ADDRESS_TEXT_BYTES, UNIX_PREFIX "%.*s", (int)sizeof(address->un.sun_path),
			 address->len > offsetof(struct sockaddr_un, sun_path) ? address->un.sun_path : "");
		return;
	}
	if (address->any.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &address->v6.sin6_addr, host, sizeof(host));
		snprintf(out, ADDRESS_TEXT_BYTES, "[%s]:%u", host, address_port(address));
	} else {
		inet_ntop(AF_INET, &address->v4.sin_addr, host, sizeof(host));
		snprintf(out, ADDRESS_TEXT_BYTES, "%s:%u", host, address_port(address));
	}
}

void address_unmap(struct address *address)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };

	if (address->any.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&address->v6.sin6_addr))
		return;
	v4.sin_port = address->v6.sin6_port;
	memcpy(&v4.sin_addr, &address->v6.sin6_addr.s6_addr[12], sizeof(v4.sin_addr));
	address->v4 = v4;
	address->len = sizeof(v4);
}

uint16_t address_port(const struct address *address)
{
	if (address_is_unix(address))
		return 0;
	return ntohs(address->any.sa_family == AF_INET6 ? address->v6.sin6_port : address->v4.sin_port);
}

void address_set_port(struct address *address, uint16_t port)
{
	if (address->any.sa_family == AF_INET6)
		address->v6.sin6_port = htons(port);
	else if (!address_is_unix(address))
		address->v4.sin_port = htons(port);
}

/* ::ffff:a.b.c.d of an IPv4 one */
static struct in6_addr host_of(const struct address *address)
{
	struct in6_addr host = { .s6_addr = { [10] = 0xff, [11] = 0xff } };

	if (address->any.sa_family == AF_INET6)
		return address->v6.sin6_addr;
	memcpy(&host.s6_addr[12], &address->v4.sin_addr, sizeof(address->v4.sin_addr));
	return host;
}

static bool takes_all_of(const struct address *a, const struct in6_addr *host)
{
	if (a->any.sa_family == AF_INET6)
		return IN6_IS_ADDR_UNSPECIFIED(&a->v6.sin6_addr);
	return a->v4.sin_addr.s_addr == INADDR_ANY && IN6_IS_ADDR_V4MAPPED(host);
}

static bool same_path(const struct address *a, const struct address *b)
{
	return strncmp(a->un.sun_path, b->un.sun_path, sizeof(a->un.sun_path)) == 0;
}

static bool overlap(const struct address *a, const struct address *b)
{
	const struct in6_addr of_a = host_of(a), of_b = host_of(b);

	return address_port(a) == address_port(b) &&
	       (takes_all_of(a, &of_b) || takes_all_of(b, &of_a) || IN6_ARE_ADDR_EQUAL(&of_a, &of_b));
}

bool address_overlaps(const struct address *a, const struct address *b)
{
	if (address_is_unix(a) || address_is_unix(b))
		return address_is_unix(a) && address_is_unix(b) && same_path(a, b);
	return overlap(a, b);
}

/* Of IPv6 addresses only the unspecified one takes IPv4 too, whatever net.ipv6.bindv6only says. */
static int set_v6only(int fd, const struct address *address)
{
	int v6only = !IN6_IS_ADDR_UNSPECIFIED(&address->v6.sin6_addr);

	return setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only));
}

static int prepare_and_bind(int fd, const struct address *address, bool reuseport)
{
	const int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
		return -errno;
	if (reuseport && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0)
		return -errno;
	if (address->any.sa_family == AF_INET6 && set_v6only(fd, address) < 0)
		return -errno;
	return bind(fd, &address->any, address->len) < 0 ? -errno : 0;
}

int address_bind(const struct address *address, bool reuseport)
{
	int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return -errno;
	r = prepare_and_bind(fd, address, reuseport);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

static int prepare_datagram(int fd, const struct address *address, bool reuseport)
{
	const int on = 1;
	bool v6 = address->any.sa_family == AF_INET6;

	if (v6 && set_v6only(fd, address) < 0)
		return -errno;
	if (reuseport && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0)
		return -errno;
	if (v6 ? setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)) < 0
	       : setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) < 0)
		return -errno;
	return bind(fd, &address->any, address->len) < 0 ? -errno : 0;
}

int address_bind_datagram(const struct address *address, bool reuseport)
{
	int fd = socket(address->any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return -errno;
	r = prepare_datagram(fd, address, reuseport);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}
