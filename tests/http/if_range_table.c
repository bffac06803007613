/* SPDX-License-Identifier: MIT */
#include "http/guard.h"

static const struct {
	bool		honour;
	const char	*fields;
} rows[] = {
	{ true, "" },
	{ true, "If-Range: \"a\"\r\n" },
	{ false, "If-Range: \"b\"\r\n" },
	{ false, "If-Range: W/\"a\"\r\n" },
	{ false, "If-Range: *\r\n" },
	{ false, "If-Range: \"a\", \"b\"\r\n" },
	{ false, "If-Range:\r\n" },
	{ false, "If-Range: a\r\n" },
	{ true, "If-Range: Sun, 06 Nov 1994 08:49:37 GMT\r\n" },
	{ false, "If-Range: Sun, 06 Nov 1994 08:49:36 GMT\r\n" },
	{ false, "If-Range: Sun, 06 Nov 1994 08:49:38 GMT\r\n" },
	{ false, "If-Range: \"a\"\r\nIf-Range: \"a\"\r\n" },
};

static void only_the_same_bytes_are_continued(void **state)
{
	static struct http_head head;
	char request[256];

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		int n = snprintf(request, sizeof(request), "GET / HTTP/1.0\r\n%s\r\n", rows[i].fields);

		assert_int_equal(parse((struct span){ request, (size_t)n }, &head), HTTP_DONE);
		assert_verdict(span_of(rows[i].fields), http_if_range(&head, SPAN("\"a\""), 784111777),
			       rows[i].honour);
	}
	assert_false(http_if_range(&head, SPAN("W/\"a\""), -1));
}

TEST_MAIN(only_the_same_bytes_are_continued)
