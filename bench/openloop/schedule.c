/* SPDX-License-Identifier: MIT */
/*
 * schedule - when which request is to be sent
 *
 * All of it is written before the first request, from the seed alone: nothing a server does can move an
 * intended time, and the loop allocates nothing. Arrivals and paths are drawn from two streams, so that a
 * mix leaves the times as they were.
 */
#include "openloop.h"

#include <err.h>
#include <math.h>
#include <stdlib.h>

#define REQUESTS_MAX (128u << 20)	/* 2 GiB */

/* splitmix64, as its author put it in the public domain */
static uint64_t draw(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* In (0, 1]. */
static double draw_fraction(uint64_t *state)
{
	return (double)((draw(state) >> 11) + 1) * 0x1p-53;
}

static uint64_t draw_path(const struct options *o, uint64_t *state)
{
	double percent = draw_fraction(state) * 100;

	for (uint32_t i = 1; i < o->n_paths; i++) {
		if (percent <= o->paths[i].percent)
			return i;
		percent -= o->paths[i].percent;
	}
	return 0;
}

/* Far more than a Poisson process of this mean ever has. */
static double most_requests(const struct options *o)
{
	double mean = o->rate * (o->warm_up + o->seconds);

	return o->poisson ? mean + 10 * sqrt(mean) + 100 : mean + 1;
}

void schedule_init(struct schedule *schedule, const struct options *o)
{
	uint64_t arrivals = o->seed, paths = ~o->seed;
	double most = most_requests(o), at = 0, end = o->warm_up + o->seconds;
	struct schedule s = { .end_ns = (uint64_t)(end * 1e9) };

	if (most > REQUESTS_MAX)
		errx(2, "--rate times --seconds: more than %u requests", REQUESTS_MAX);
	s.requests = calloc((size_t)most, sizeof(*s.requests));
	if (!s.requests)
		err(1, "schedule");
	while (s.n < (uint64_t)most) {
		at = o->poisson ? at - log(draw_fraction(&arrivals)) / o->rate : (double)s.n / o->rate;
		if (at >= end)
			break;
		s.requests[s.n].intended_ns = (uint64_t)(at * 1e9);
		s.requests[s.n].path = draw_path(o, &paths);
		s.n++;
		if (at < o->warm_up)
			s.first_recorded = s.n;
	}
	if (s.first_recorded == s.n)
		errx(2, "--rate times --seconds: no request at all");
	*schedule = s;
}

void schedule_finish(struct schedule *schedule)
{
	free(schedule->requests);
	schedule->requests = NULL;
}
