/* SPDX-License-Identifier: MIT */
#include "http/guard.h"

static const char request[] =
	"POST /a/b?c=d HTTP/1.1\r\nHost: example.com:8080\r\nX-Empty:\r\nX-Spaces: \t a  b \t \r\n"
	"content-LENGTH: 12\r\nX-Empty: second\r\n\r\nbody follows";

static void every_part_is_found(void **state)
{
	static struct http_head head;

	assert_int_equal(parse(SPAN(request), &head), HTTP_DONE);
	assert_int_equal(head.method, HTTP_POST);
	assert_int_equal(head.minor, 1);
	assert_true(head.keep_alive);
	assert_false(head.expect_continue);
	assert_false(head.chunked);
	assert_int_equal(head.bytes, strlen(request) - strlen("body follows"));
	assert_int_equal(head.content_length, 12);
	assert_span(head.line, "POST /a/b?c=d HTTP/1.1");
	assert_span(head.target, "/a/b?c=d");
	assert_span(head.path, "/a/b");
	assert_span(head.query, "c=d");
	assert_span(head.host, "example.com:8080");
	assert_int_equal(head.n_fields, 5);
	assert_span(head.fields[2].name, "X-Spaces");
	assert_span(head.fields[2].value, "a  b");
	assert_span(http_head_field(&head, SPAN("Content-Length")), "12");
	assert_non_null(http_head_field(&head, SPAN("x-empty")).at);
	assert_span(http_head_field(&head, SPAN("x-empty")), "");
	assert_null(http_head_field(&head, SPAN("x-none")).at);
	assert_span(http_method_name(HTTP_OPTIONS), "OPTIONS");
}

TEST_MAIN(every_part_is_found)
