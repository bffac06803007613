/* SPDX-License-Identifier: MIT */
/* Two histograms merged are the one that had recorded everything, times beyond its range included. */
#include "../../bench/openloop/histogram.h"
#include "check.h"

static struct histogram one, other, both;

int main(void)
{
	const uint64_t beyond_ns = UINT64_C(1) << 50;

	srand48(4711);
	for (uint32_t i = 0; i < 100000; i++) {
		uint64_t value_ns = (uint64_t)lrand48() << lrand48() % 10;

		histogram_record(i % 3 ? &one : &other, value_ns);
		histogram_record(&both, value_ns);
	}
	histogram_record(&other, beyond_ns);
	histogram_record(&both, beyond_ns);
	check_equal(histogram_percentile_ns(&other, 100), beyond_ns);
	histogram_merge(&one, &other);
	check(memcmp(&one, &both, sizeof(one)) == 0);
	histogram_merge(&one, &(struct histogram){ 0 });
	check(memcmp(&one, &both, sizeof(one)) == 0);
	return 0;
}
