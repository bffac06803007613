/* SPDX-License-Identifier: MIT */
/*
 * simulate_histogram - latencies, counted in 256 buckets for every doubling
 */
#include "simulate.h"

static unsigned bucket_of(uint64_t ns)
{
	unsigned shift;

	if (ns < 256)
		return (unsigned)ns;
	shift = 55 - (unsigned)__builtin_clzll(ns);
	return 256 * shift + (unsigned)(ns >> shift);
}

static double bucket_middle_us(unsigned bucket)
{
	unsigned shift;

	if (bucket < 512)
		return bucket / 1e3;
	shift = bucket / 256 - 1;
	return ((double)(256 + bucket % 256) + 0.5) * (double)(1ull << shift) / 1e3;
}

void histogram_add(struct histogram *h, double us)
{
	double ns = us * 1e3;

	h->counts[bucket_of(ns < 0x1p62 ? (uint64_t)llround(ns) : 1ull << 62)]++;
	h->n++;
	h->sum_us += us;
	h->max_us = us > h->max_us ? us : h->max_us;
}

double histogram_quantile_us(const struct histogram *h, double q)
{
	uint64_t rank = (uint64_t)ceil(q * (double)h->n);
	uint64_t seen = 0;
	unsigned bucket = 0;

	for (; bucket < HISTOGRAM_BUCKETS - 1; bucket++) {
		seen += h->counts[bucket];
		if (seen >= rank && seen > 0)
			break;
	}
	return fmin(bucket_middle_us(bucket), h->max_us);
}
