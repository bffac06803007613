/* SPDX-License-Identifier: MIT */
/* A sorted list has its percentiles at hand; the histogram's are never below them and at most 1/128 above. */
#include "../../bench/openloop/histogram.h"
#include "check.h"

#define N_MAX 20000

static struct histogram histogram;
static uint64_t list[N_MAX];

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void check_percentile(uint32_t n, uint32_t thousandths)
{
	uint32_t rank = (uint32_t)(((uint64_t)n * thousandths + 99999) / 100000);	/* rounded up */
	uint64_t exact_ns = list[rank ? rank - 1 : 0];
	uint64_t ours_ns = histogram_percentile_ns(&histogram, thousandths / 1000.0);

	check(ours_ns >= exact_ns);
	check((ours_ns - exact_ns) * 128 <= exact_ns);
	check(ours_ns <= list[n - 1]);
}

static void check_list(uint32_t n, uint32_t bits)
{
	uint64_t sum_ns = 0;

	histogram = (struct histogram){ 0 };
	for (uint32_t i = 0; i < n; i++) {
		list[i] = ((uint64_t)lrand48() << 31 ^ (uint64_t)lrand48()) >> (62 - 1 - lrand48() % bits);
		histogram_record(&histogram, list[i]);
		sum_ns += list[i];
	}
	qsort(list, n, sizeof(*list), compare);
	for (uint32_t thousandths = 0; thousandths <= 100000; thousandths += 100)
		check_percentile(n, thousandths);
	check_percentile(n, 99990);
	check_equal(histogram_percentile_ns(&histogram, 100), list[n - 1]);
	check_equal(histogram.count, n);
	check(histogram_mean_ns(&histogram) == (double)sum_ns / n);
}

int main(void)
{
	check_equal(histogram_percentile_ns(&histogram, 99), 0);
	check(histogram_mean_ns(&histogram) == 0);
	srand48(4711);
	for (uint32_t bits = 1; bits <= 41; bits += 4)
		for (uint32_t n = 1; n <= N_MAX; n = n * 3 + 1)
			check_list(n, bits);
	return 0;
}
