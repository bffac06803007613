/* SPDX-License-Identifier: MIT */
#include "http/guard.h"

static void one_is_skipped_and_counted(void **state)
{
	const struct span request = SPAN("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
	static struct http_head head;

	assert_int_equal(parse(request, &head), HTTP_DONE);
	assert_int_equal(head.bytes, request.len);
	assert_span(head.line, "GET / HTTP/1.1");
	assert_int_equal(parse(SPAN("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), &head), 400);
	assert_int_equal(parse(SPAN("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), &head), 400);
	assert_int_equal(parse(SPAN("\rGET / HTTP/1.1\r\nHost: a\r\n\r\n"), &head), 400);
}

TEST_MAIN(one_is_skipped_and_counted)
