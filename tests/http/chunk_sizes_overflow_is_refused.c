/* SPDX-License-Identifier: MIT */
#include "http/bodies.h"

static const struct {
	int		verdict;
	const char	*size;
} rows[] = {
	{ HTTP_MORE, "7fffffff" },
	{ HTTP_MORE, "ffffffff" },
	{ HTTP_MORE, "100000000" },
	{ HTTP_MORE, "7fffffffffffffff" },
	{ HTTP_MORE, "8000000000000000" },
	{ HTTP_MORE, "FFFFFFFFFFFFFFFF" },
	{ HTTP_MORE, "0000000000000001" },
	{ 400, "00000000000000001" },
	{ 400, "10000000000000000" },
	{ 400, "10000000000000005" },
	{ 400, "fffffffffffffffff" },
	{ 400, "fffffffffffffffffffffffffffffffffffffff" },
	{ 400, "-1" },
};

static void sizes_never_wrap(void **state)
{
	static const struct http_head head = { .chunked = true };
	static struct decoded d;
	char wire[64];

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		int n = snprintf(wire, sizeof(wire), "%s\r\n", rows[i].size);

		decode((struct span){ wire, (size_t)n }, &head, UINT64_MAX, 100, &d);
		assert_verdict(span_of(wire), d.verdict, rows[i].verdict);
	}
}

/* What was taken and what is announced are never added up past 64 bits. */
static void sums_never_wrap(void **state)
{
	static const struct http_head head = { .chunked = true };
	static struct decoded d;

	decode(SPAN("5\r\nhello\r\nfffffffffffffffa\r\nx"), &head, UINT64_MAX, 100, &d);
	assert_int_equal(d.verdict, HTTP_MORE);
	decode(SPAN("5\r\nhello\r\nfffffffffffffffb\r\nx"), &head, UINT64_MAX, 100, &d);
	assert_int_equal(d.verdict, 413);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_never_wrap),
		cmocka_unit_test(sums_never_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
