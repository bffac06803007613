/* SPDX-License-Identifier: MIT */
/*
 * histogram - how often which time, in buckets that grow with it: four to each doubling
 *
 * One process writes, any may read while it does: a time recorded is two relaxed stores, no lock, no allocation.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#define HISTOGRAM_MOST_US	(1u << 26)	/* 67 s; the last bucket has all that is longer */
#define HISTOGRAM_BUCKETS	101

struct histogram {
	_Atomic uint64_t	n[HISTOGRAM_BUCKETS];
	_Atomic uint64_t	sum_us;
};

static inline unsigned histogram_bucket(uint64_t us)
{
	unsigned doubling;

	if (us < 4)
		return (unsigned)us;
	if (us >= HISTOGRAM_MOST_US)
		return HISTOGRAM_BUCKETS - 1;
	doubling = 63 - (unsigned)__builtin_clzll(us);
	return (doubling - 1) * 4 + (unsigned)(us >> (doubling - 2) & 3);
}

/* Every time in @bucket is less than this; not of the last one, which has no end. */
static inline uint64_t histogram_end_us(unsigned bucket)
{
	unsigned next = bucket + 1;

	return next < 4 ? next : (uint64_t)(4 + next % 4) << (next / 4 - 1);
}

static inline void histogram_add(_Atomic uint64_t *field, uint64_t by)
{
	atomic_store_explicit(field, atomic_load_explicit(field, memory_order_relaxed) + by, memory_order_relaxed);
}

/* @times times @us. */
static inline void histogram_record(struct histogram *histogram, uint64_t us, unsigned times)
{
	histogram_add(&histogram->n[histogram_bucket(us)], times);
	histogram_add(&histogram->sum_us, us * times);
}
