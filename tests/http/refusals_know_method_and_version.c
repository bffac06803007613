/* SPDX-License-Identifier: MIT */
#include "http/guard.h"

static const struct {
	int		verdict;
	enum http_method method;
	int		minor;
	struct span	request;
} rows[] = {
	{ 400, HTTP_GET, 1, TEXT("\x16\x03") },
	{ 501, HTTP_GET, 1, TEXT("TRACE / HTTP/1.0\r\n\r\n") },
	{ 400, HTTP_HEAD, 1, TEXT("HEAD x HTTP/1.0\r\n\r\n") },
	{ 505, HTTP_HEAD, 1, TEXT("HEAD / HTTP/2.0\r\n\r\n") },
	{ 400, HTTP_HEAD, 1, TEXT("HEAD / HTTP/1.1\r\n\r\n") },
	{ 400, HTTP_HEAD, 0, TEXT("HEAD / HTTP/1.0\r\nX : y\r\n\r\n") },
	{ 413, HTTP_POST, 0, TEXT("POST / HTTP/1.0\r\nContent-Length: 99999999999\r\n\r\n") },
};

static void what_was_read_is_there(void **state)
{
	static struct http_head head;

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		memset(&head, 0xa5, sizeof(head));
		assert_verdict(rows[i].request, parse(rows[i].request, &head), rows[i].verdict);
		assert_int_equal(head.method, rows[i].method);
		assert_int_equal(head.minor, rows[i].minor);
	}
}

TEST_MAIN(what_was_read_is_there)
