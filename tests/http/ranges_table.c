/* SPDX-License-Identifier: MIT */
#include "http/guard.h"

#include <errno.h>

static const struct {
	const char	*value;
	uint64_t	size;
	int		n;
	struct http_range ranges[4];
} rows[] = {
	{ "bytes=0-0", 100, 1, { { 0, 0 } } },
	{ "bytes=0-99", 100, 1, { { 0, 99 } } },
	{ "bytes=10-", 100, 1, { { 10, 99 } } },
	{ "bytes=0-", 100, 1, { { 0, 99 } } },
	{ "bytes=-1", 100, 1, { { 99, 99 } } },
	{ "bytes=-1000", 100, 1, { { 0, 99 } } },
	{ "bytes=0-100", 100, 1, { { 0, 99 } } },
	{ "bytes=50-1000", 100, 1, { { 50, 99 } } },
	{ "bytes=50-18446744073709551616", 100, 1, { { 50, 99 } } },
	{ "bytes=-99999999999999999999999", 100, 1, { { 0, 99 } } },
	{ "bytes=0-18446744073709551614", UINT64_MAX, 1, { { 0, UINT64_MAX - 1 } } },
	{ "BYTES=1-2", 100, 1, { { 1, 2 } } },
	{ "bytes=007-08", 100, 1, { { 7, 8 } } },
	{ "bytes=0-0,-1", 100, 2, { { 0, 0 }, { 99, 99 } } },
	{ "bytes=90-,0-9 ,\t20-29", 100, 3, { { 90, 99 }, { 0, 9 }, { 20, 29 } } },
	{ "bytes=,0-1,,2-3,", 100, 2, { { 0, 1 }, { 2, 3 } } },
	{ "bytes=0-9,200-", 100, 1, { { 0, 9 } } },
	{ "bytes=200-,0-9", 100, 1, { { 0, 9 } } },
	{ "bytes=0-9,5-14", 100, 2, { { 0, 9 }, { 5, 14 } } },

	{ "bytes=100-", 100, -ERANGE, { { 0 } } },
	{ "bytes=100-200", 100, -ERANGE, { { 0 } } },
	{ "bytes=99999999999999999999-", 100, -ERANGE, { { 0 } } },
	{ "bytes=-0", 100, -ERANGE, { { 0 } } },
	{ "bytes=-0,200-", 100, -ERANGE, { { 0 } } },
	{ "bytes=0-", 0, -ERANGE, { { 0 } } },
	{ "bytes=-5", 0, 0, { { 0 } } },

	{ "", 100, 0, { { 0 } } },
	{ "bytes", 100, 0, { { 0 } } },
	{ "bytes=", 100, 0, { { 0 } } },
	{ "bytes=,", 100, 0, { { 0 } } },
	{ "bytes 0-1", 100, 0, { { 0 } } },
	{ "bytes =0-1", 100, 0, { { 0 } } },
	{ "items=0-1", 100, 0, { { 0 } } },
	{ "bytes=5", 100, 0, { { 0 } } },
	{ "bytes=-", 100, 0, { { 0 } } },
	{ "bytes=5-4", 100, 0, { { 0 } } },
	{ "bytes=a-b", 100, 0, { { 0 } } },
	{ "bytes=0-1x", 100, 0, { { 0 } } },
	{ "bytes=0x0-1", 100, 0, { { 0 } } },
	{ "bytes=+0-1", 100, 0, { { 0 } } },
	{ "bytes=0 - 1", 100, 0, { { 0 } } },
	{ "bytes=0-1-2", 100, 0, { { 0 } } },
	{ "bytes=--1", 100, 0, { { 0 } } },
	{ "bytes=0-1;2-3", 100, 0, { { 0 } } },
	{ "bytes=0-1,5-4", 100, 0, { { 0 } } },
	{ "bytes=0-1,x", 100, 0, { { 0 } } },

	{ "bytes=0-,0-", 100, 0, { { 0 } } },
	{ "bytes=0-99,0-0", 100, 0, { { 0 } } },
	{ "bytes=0-9,1-8,2-7,3-6", 100, 0, { { 0 } } },
	{ "bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14,16-16", 100, 0, { { 0 } } },
	{ "bytes=0-99,100-199,200-299,300-399,400-499,500-599,600-699,700-799,800-899,900-999,1000-1099,"
	  "1100-1199,1200-1299,1300-1399,1400-1499,1500-1599,1600-1699", 10000, 0, { { 0 } } },
};

static void each_value_has_its_ranges(void **state)
{
	struct http_range ranges[HTTP_RANGES_MAX];

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		int n = http_range_parse(guarded(span_of(rows[i].value)), rows[i].size, ranges);

		assert_verdict(span_of(rows[i].value), n, rows[i].n);
		for (int k = 0; k < n; k++) {
			assert_int_equal(ranges[k].first, rows[i].ranges[k].first);
			assert_int_equal(ranges[k].last, rows[i].ranges[k].last);
		}
	}
}

static void sixteen_large_ones_are_honoured(void **state)
{
	struct http_range ranges[HTTP_RANGES_MAX];
	char value[512];
	size_t n = (size_t)snprintf(value, sizeof(value), "bytes=");

	for (unsigned i = 0; i < HTTP_RANGES_MAX; i++)
		n += (size_t)snprintf(value + n, sizeof(value) - n, "%u-%u,", i * 100, i * 100 + 49);
	assert_int_equal(http_range_parse((struct span){ value, n }, 10000, ranges), HTTP_RANGES_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_value_has_its_ranges),
		cmocka_unit_test(sixteen_large_ones_are_honoured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
