/* SPDX-License-Identifier: MIT */
#include "http/bodies.h"

static struct decoded d;

static void by_length(void **state)
{
	struct http_head head = { .content_length = 6 };

	decode(SPAN("abcdef"), &head, 6, 6, &d);
	assert_int_equal(d.verdict, HTTP_DONE);
	decode(SPAN(""), &head, 5, 6, &d);
	assert_int_equal(d.verdict, 413);
}

static void by_chunks(void **state)
{
	struct http_head head = { .chunked = true };
	const struct span wire = SPAN("3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n");

	for (size_t piece = 1; piece < 30; piece++) {
		decode(wire, &head, 6, piece, &d);
		assert_int_equal(d.verdict, HTTP_DONE);
		decode(wire, &head, 5, piece, &d);
		assert_int_equal(d.verdict, 413);
		decode(wire, &head, 2, piece, &d);
		assert_int_equal(d.verdict, 413);
		assert_int_equal(d.len, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(by_length), cmocka_unit_test(by_chunks) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
