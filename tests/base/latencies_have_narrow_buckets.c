/* SPDX-License-Identifier: MIT */
#include "base/histogram.h"
#include "check.h"

static void each_time_is_in_its_bucket(void)
{
	for (uint64_t us = 0; us < HISTOGRAM_MOST_US; us += us < 100000 ? 1 : us / 1000) {
		unsigned bucket = histogram_bucket(us);

		check(bucket < HISTOGRAM_BUCKETS - 1);
		check(us < histogram_end_us(bucket));
		check(bucket == 0 || us >= histogram_end_us(bucket - 1));
	}
}

static void no_bucket_is_wider_than_a_quarter(void)
{
	for (unsigned i = 4; i < HISTOGRAM_BUCKETS - 1; i++) {
		uint64_t begin = histogram_end_us(i - 1), end = histogram_end_us(i);

		check(end > begin);
		check(4 * (end - begin) <= begin);
	}
	check_equal(histogram_end_us(HISTOGRAM_BUCKETS - 2), HISTOGRAM_MOST_US);
}

static void what_is_longer_is_in_the_last(void)
{
	check_equal(histogram_bucket(HISTOGRAM_MOST_US - 1), HISTOGRAM_BUCKETS - 2);
	check_equal(histogram_bucket(HISTOGRAM_MOST_US), HISTOGRAM_BUCKETS - 1);
	check_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
}

static void recording_counts_and_sums(void)
{
	static struct histogram h;

	histogram_record(&h, 10, 3);
	histogram_record(&h, 10, 1);
	histogram_record(&h, 1000, 1);
	check_equal(h.n[histogram_bucket(10)], 4);
	check_equal(h.n[histogram_bucket(1000)], 1);
	check_equal(h.sum_us, 1040);
}

int main(void)
{
	each_time_is_in_its_bucket();
	no_bucket_is_wider_than_a_quarter();
	what_is_longer_is_in_the_last();
	recording_counts_and_sums();
	return 0;
}
