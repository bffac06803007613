/* SPDX-License-Identifier: MIT */
#include "base/address.h"
#include "base/auto.h"
#include "check.h"

#include <errno.h>

static uint16_t port_of(int fd)
{
	struct address bound = { .len = sizeof(bound.v6) };

	check_equal(getsockname(fd, &bound.any, &bound.len), 0);
	return address_port(&bound);
}

static int connect_v4(uint16_t port)
{
	struct address to;
	autoclose int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	check_equal(address_parse("127.0.0.1:0", &to), 0);
	address_set_port(&to, port);
	return connect(fd, &to.any, to.len) < 0 ? -errno : 0;
}

static void every_address_is_also_ipv4(void)
{
	struct address any;
	autoclose int fd = -1;

	check_equal(address_parse(":0", &any), 0);
	fd = address_bind(&any, false);
	check(fd >= 0);
	check_equal(listen(fd, 1), 0);
	check_equal(connect_v4(port_of(fd)), 0);
}

static void a_port_is_shared_only_with_reuseport(void)
{
	struct address address;
	autoclose int first = -1;
	autoclose int second = -1;

	check_equal(address_parse("127.0.0.1:0", &address), 0);
	first = address_bind(&address, true);
	check(first >= 0);
	address_set_port(&address, port_of(first));
	second = address_bind(&address, true);
	check(second >= 0);
	check_equal(listen(first, 1), 0);
	check_equal(listen(second, 1), 0);
	check_equal(address_bind(&address, false), -EADDRINUSE);
}

static void what_is_not_ours_is_refused(void)
{
	struct address address;

	check_equal(address_parse("192.0.2.1:0", &address), 0);
	check_equal(address_bind(&address, false), -EADDRNOTAVAIL);
}

int main(void)
{
	check_fds_begin();
	every_address_is_also_ipv4();
	a_port_is_shared_only_with_reuseport();
	what_is_not_ours_is_refused();
	check_fds_end();
	return 0;
}
