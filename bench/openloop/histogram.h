/* SPDX-License-Identifier: MIT */
/*
 * histogram - how often each length of time occurred, in nanoseconds
 *
 * Log-linear, as HdrHistogram's: up to 127 every value has a bucket of its own, above that every power of
 * two is cut into 128 equal ones. So a value is known to 1/128 of itself, from 1 ns to 73 minutes, in
 * 36 KiB and without allocation. A longer time counts in the last bucket; its exact length survives in
 * max and in sum. Percentiles are the upper edge of their bucket, so they never flatter.
 *
 * In a header, because it is pure and its callers are hot.
 */
#pragma once

#include <stdint.h>

#define HISTOGRAM_STEP_BITS 7
#define HISTOGRAM_STEPS (1u << HISTOGRAM_STEP_BITS)	/* to a power of two */
#define HISTOGRAM_TOP_BITS 42				/* values below 2^42 ns are told apart */
#define HISTOGRAM_BUCKETS ((HISTOGRAM_TOP_BITS - HISTOGRAM_STEP_BITS + 1) * HISTOGRAM_STEPS)

struct histogram {			/* empty when zeroed */
	uint64_t	count;
	uint64_t	sum_ns;
	uint64_t	max_ns;
	uint64_t	buckets[HISTOGRAM_BUCKETS];
};

static inline uint32_t histogram_bucket(uint64_t value_ns)
{
	uint32_t top;

	if (value_ns < HISTOGRAM_STEPS)
		return (uint32_t)value_ns;
	top = 63 - (uint32_t)__builtin_clzll(value_ns);
	if (top >= HISTOGRAM_TOP_BITS)
		return HISTOGRAM_BUCKETS - 1;
	top -= HISTOGRAM_STEP_BITS;
	return top * HISTOGRAM_STEPS + (uint32_t)(value_ns >> top);
}

/* The largest value that falls into @bucket. */
static inline uint64_t histogram_upper_ns(uint32_t bucket)
{
	uint32_t octave = bucket / HISTOGRAM_STEPS;
	uint64_t step = bucket % HISTOGRAM_STEPS;

	if (octave == 0)
		return step;
	return ((HISTOGRAM_STEPS + step + 1) << (octave - 1)) - 1;
}

static inline void histogram_record(struct histogram *h, uint64_t value_ns)
{
	h->buckets[histogram_bucket(value_ns)]++;
	h->count++;
	h->sum_ns += value_ns;
	if (value_ns > h->max_ns)
		h->max_ns = value_ns;
}

static inline void histogram_merge(struct histogram *into, const struct histogram *from)
{
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		into->buckets[i] += from->buckets[i];
	into->count += from->count;
	into->sum_ns += from->sum_ns;
	if (from->max_ns > into->max_ns)
		into->max_ns = from->max_ns;
}

/*
 * The least value that @percent of all values do not exceed, rounded up to the edge of its bucket but not
 * beyond the maximum. Return: 0 when nothing was recorded.
 */
static inline uint64_t histogram_percentile_ns(const struct histogram *h, double percent)
{
	double wanted = percent / 100 * (double)h->count;
	uint64_t upper_ns, seen = 0;

	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS - 1; i++) {
		seen += h->buckets[i];
		upper_ns = histogram_upper_ns(i);
		if (seen > 0 && (double)seen >= wanted - 1e-6)
			return upper_ns < h->max_ns ? upper_ns : h->max_ns;
	}
	return h->max_ns;
}

static inline double histogram_mean_ns(const struct histogram *h)
{
	return h->count ? (double)h->sum_ns / (double)h->count : 0;
}
