/* SPDX-License-Identifier: MIT */
#include "http/bodies.h"

static const struct {
	struct span	wire;
	const char	*content;
	size_t		left;
} rows[] = {
	{ TEXT("0\r\n\r\n"), "", 0 },
	{ TEXT("5\r\nhello\r\n0\r\n\r\n"), "hello", 0 },
	{ TEXT("5\r\nhello\r\n0\r\n\r\nGET /"), "hello", 5 },
	{ TEXT("1\r\na\r\n2\r\nbc\r\n3\r\ndef\r\n000\r\n\r\n\r\n"), "abcdef", 2 },
	{ TEXT("A\r\n0123456789\r\na\r\nabcdefghij\r\n0\r\n\r\n"), "0123456789abcdefghij", 0 },
	{ TEXT("0000000000000002\r\n\r\n\r\n0\r\n\r\n"), "\r\n", 0 },
	{ TEXT("3;a\r\nabc\r\n0;b=c;d=\"e\\\"f;\";g\r\n\r\n"), "abc", 0 },
	{ TEXT("3\r\nabc\r\n0\r\nX: y\r\nEmpty:\r\n\r\nZ"), "abc", 1 },
};

static void the_same_content_whatever_the_pieces(void **state)
{
	static struct decoded d;

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		assert_verdict(rows[i].wire, decode_chunked(rows[i].wire, &d), HTTP_DONE);
		assert_span((struct span){ d.content, d.len }, rows[i].content);
		assert_int_equal(d.left, rows[i].left);
		for (size_t n = 0; n < rows[i].wire.len - rows[i].left; n++)
			assert_verdict(rows[i].wire, decode_chunked(prefix(rows[i].wire, n), &d), HTTP_MORE);
	}
}

TEST_MAIN(the_same_content_whatever_the_pieces)
