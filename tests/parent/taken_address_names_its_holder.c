/* SPDX-License-Identifier: MIT */
#include "parent/unit.h"

#include "base/address.h"
#include "parent/parent.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int listen_on(const char *text, bool reuseport, struct address *ret_address)
{
	int fd;

	assert_int_equal(address_parse(text, ret_address), 0);
	fd = address_bind(ret_address, reuseport);
	assert_true(fd >= 0);
	assert_int_equal(listen(fd, 1), 0);
	ret_address->len = sizeof(ret_address->v6);
	assert_int_equal(getsockname(fd, &ret_address->any, &ret_address->len), 0);
	return fd;
}

static void expect_taken(const char *text, uint16_t port)
{
	struct address address;
	struct reservation reservation;
	char pid[32];

	assert_int_equal(address_parse(text, &address), 0);
	address_set_port(&address, port);
	assert_int_equal(reserve_address(&address, SHARED_BY_WORKERS, &reservation), -EADDRINUSE);
	snprintf(pid, sizeof(pid), "(pid %d)", (int)getpid());
	if (!strstr(reservation.holder, pid) || strncmp(reservation.holder, "taken_address", 13) != 0)
		fail_msg("%s: the holder is said to be %s", text, reservation.holder);
}

static void expect_taken_by(const char *listener, bool reuseport, const char *wanted)
{
	struct address address;
	int fd = listen_on(listener, reuseport, &address);

	expect_taken(wanted, address_port(&address));
	close(fd);
}

static void taken_address_names_its_holder(void **state)
{
	expect_taken_by("127.0.0.1:0", false, "127.0.0.1:0");
	expect_taken_by("127.0.0.1:0", true, "127.0.0.1:0");
	expect_taken_by("0.0.0.0:0", true, "127.0.0.1:0");
	expect_taken_by("127.0.0.1:0", false, "0.0.0.0:0");
	expect_taken_by("127.0.0.1:0", true, ":0");
}

TEST_MAIN(taken_address_names_its_holder)
