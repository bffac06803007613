/* SPDX-License-Identifier: MIT */
/* Every value lies in its bucket, buckets adjoin, and none is wider than 1/128 of what it holds. */
#include "../../bench/openloop/histogram.h"
#include "check.h"

static void check_value(uint64_t value_ns)
{
	uint32_t bucket = histogram_bucket(value_ns);
	uint64_t upper_ns = histogram_upper_ns(bucket);

	check(bucket < HISTOGRAM_BUCKETS);
	check(value_ns <= upper_ns);
	check(bucket == 0 || histogram_upper_ns(bucket - 1) < value_ns);
	check((upper_ns - value_ns) * 128 <= value_ns);
}

int main(void)
{
	const uint64_t hour_ns = UINT64_C(3600) * 1000000000, top = UINT64_C(1) << HISTOGRAM_TOP_BITS;

	for (uint64_t value_ns = 0; value_ns < 100000; value_ns++)
		check_value(value_ns);
	for (uint64_t value_ns = 1; value_ns < top; value_ns += 1 + value_ns / 1000) {
		check_value(value_ns - 1);
		check_value(value_ns);
	}
	for (uint32_t bit = 0; bit < HISTOGRAM_TOP_BITS; bit++) {
		check_value(UINT64_C(1) << bit);
		check_value((UINT64_C(1) << bit) - 1);
	}
	check(hour_ns < top);
	check_value(hour_ns);
	check_value(top - 1);
	check_equal(histogram_bucket(top), HISTOGRAM_BUCKETS - 1);
	check_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
	check_equal(histogram_upper_ns(HISTOGRAM_BUCKETS - 1), top - 1);
	return 0;
}
