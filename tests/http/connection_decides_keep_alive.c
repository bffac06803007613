/* SPDX-License-Identifier: MIT */
#include "http/guard.h"

static const struct {
	bool		http_1_1;
	bool		http_1_0;
	const char	*fields;
} rows[] = {
	{ true, false, "" },
	{ false, false, "Connection: close\r\n" },
	{ true, true, "Connection: keep-alive\r\n" },
	{ false, false, "connection: CLOSE\r\n" },
	{ true, true, "CONNECTION: Keep-Alive\r\n" },
	{ false, false, "Connection: keep-alive, close\r\n" },
	{ false, false, "Connection: close, keep-alive\r\n" },
	{ false, false, "Connection: keep-alive\r\nConnection: close\r\n" },
	{ false, false, "Connection: close\r\nConnection: keep-alive\r\n" },
	{ true, true, "Connection: upgrade,\tkeep-alive ,,x\r\n" },
	{ false, false, "Connection: ,,close\r\n" },
	{ true, false, "Connection: closed\r\n" },
	{ true, false, "Connection: not-close\r\n" },
	{ true, false, "Connection: keep alive\r\n" },
	{ true, false, "Connection:\r\n" },
	{ true, false, "Proxy-Connection: close\r\n" },
	{ true, false, "Keep-Alive: timeout=5\r\n" },
};

static bool keeps_alive(int minor, const char *fields)
{
	static struct http_head head;
	char request[256];
	int n = snprintf(request, sizeof(request), "GET / HTTP/1.%d\r\nHost: a\r\n%s\r\n", minor, fields);

	assert_int_equal(parse((struct span){ request, (size_t)n }, &head), HTTP_DONE);
	assert_int_equal(head.minor, minor);
	return head.keep_alive;
}

static void version_and_options_decide(void **state)
{
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(keeps_alive(1, rows[i].fields), rows[i].http_1_1);
		assert_int_equal(keeps_alive(0, rows[i].fields), rows[i].http_1_0);
	}
}

TEST_MAIN(version_and_options_decide)
