/* SPDX-License-Identifier: MIT */
#include "service/check.h"

static void texts_stand_before_each_part_and_at_the_end(void **state)
{
	static const struct http_range ranges[] = { { 0, 9 }, { 20, 29 } };
	struct parts *parts;

	assert_int_equal(parts_create(SPAN("text/css"), SPAN("B"), 100, ranges, 2, &parts), 0);
	assert_int_equal(parts->n, 3);
	assert_text(parts->text[0], "--B\r\nContent-Type: text/css\r\nContent-Range: bytes 0-9/100\r\n\r\n");
	assert_text(parts->text[1],
		    "\r\n--B\r\nContent-Type: text/css\r\nContent-Range: bytes 20-29/100\r\n\r\n");
	assert_text(parts->text[2], "\r\n--B--\r\n");
	parts_release(parts);
}

static void the_longest_fit(void **state)
{
	struct http_range ranges[HTTP_RANGES_MAX];
	struct parts *parts;
	char type[200];
	size_t whole;

	memset(type, 't', sizeof(type));
	for (size_t i = 0; i < HTTP_RANGES_MAX; i++)
		ranges[i] = (struct http_range){ UINT64_MAX - 1, UINT64_MAX - 1 };
	assert_int_equal(parts_create((struct span){ type, sizeof(type) },
				      SPAN("0123456789abcdef0123456789abcdef"), UINT64_MAX, ranges,
				      HTTP_RANGES_MAX, &parts), 0);
	whole = parts->text[0].len;
	for (int i = 1; i < HTTP_RANGES_MAX; i++)
		assert_int_equal(parts->text[i].len, whole + 2);
	assert_int_equal(memcmp(parts->text[HTTP_RANGES_MAX - 1].at + whole - 2, "\r\n\r\n", 4), 0);
	parts_release(parts);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_stand_before_each_part_and_at_the_end),
		cmocka_unit_test(the_longest_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
