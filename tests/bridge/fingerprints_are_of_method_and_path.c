/* SPDX-License-Identifier: MIT */
#include "bridge/wire.h"

#include "bridge/poison.h"

static uint64_t of(const char *line)
{
	return poison_fingerprint(line, strlen(line));
}

static void fingerprints_are_of_method_and_path(void **state)
{
	assert_true(of("") != 0);
	assert_true(of("GET /a HTTP/1.1") == of("GET /a HTTP/1.0"));
	assert_true(of("GET /a?b=1 HTTP/1.1") == of("GET /a?b=2 HTTP/1.1"));
	assert_true(of("GET /a?b=1 HTTP/1.1") == of("GET /a HTTP/1.1"));
	assert_true(of("GET /a HTTP/1.1") != of("GET /b HTTP/1.1"));
	assert_true(of("GET /a HTTP/1.1") != of("PUT /a HTTP/1.1"));
	assert_true(of("GET /a/ HTTP/1.1") != of("GET /a HTTP/1.1"));
	assert_true(poison_fingerprint("GET /a", 6) == of("GET /a HTTP/1.1"));
}

TEST_MAIN(fingerprints_are_of_method_and_path)
