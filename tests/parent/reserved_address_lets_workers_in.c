/* SPDX-License-Identifier: MIT */
#include "parent/unit.h"

#include "base/address.h"
#include "parent/parent.h"

#include <errno.h>
#include <unistd.h>

static void reserved_address_lets_workers_in(void **state)
{
	struct address address, elsewhere;
	struct reservation reserved, other;
	int listener, client;

	assert_int_equal(address_parse("127.0.0.1:0", &address), 0);
	close(STDIN_FILENO);
	assert_int_equal(reserve_address(&address, SHARED_BY_WORKERS, &reserved), 0);
	assert_true(reserved.fd > STDERR_FILENO && reserved.claim_fd > STDERR_FILENO);
	assert_true(address_port(&address) != 0);

	client = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(client, &address.any, address.len), -1);
	assert_int_equal(errno, ECONNREFUSED);

	listener = address_bind(&address, true);
	assert_true(listener >= 0);
	assert_int_equal(listen(listener, 8), 0);
	assert_int_equal(connect(client, &address.any, address.len), 0);
	assert_int_equal(reserve_address(&address, SHARED_BY_WORKERS, &other), -EADDRINUSE);

	assert_int_equal(address_parse("192.0.2.1:0", &elsewhere), 0);
	assert_int_equal(reserve_address(&elsewhere, SHARED_BY_WORKERS, &other), -EADDRNOTAVAIL);
	close(client);
	close(listener);
	close(reserved.fd);
	close(reserved.claim_fd);
}

TEST_MAIN(reserved_address_lets_workers_in)
