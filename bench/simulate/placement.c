/* SPDX-License-Identifier: MIT */
/*
 * simulate_placement - which worker gets a connection
 *
 *   hash		by chance, all workers alike
 *   weighted		by chance, a worker's weight being ((1 + mean) / (1 + its own))^2, held within 1/2..2,
 *			computed anew every 20 ms from the connections open then
 *   least		the worker with the fewest; the choice counts at once; ties by chance
 *   round-robin	one after the other
 *   preemptive		an idle worker takes it; accepting keeps that one 10 to 30 us before the next
 *
 * Keep-alive connections are opened while the pool does nothing else, one by one or in one burst, and stay
 * where they are.
 */
#include "simulate.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

#define REWEIGH_US 20000
#define ACCEPT_MIN_US 10
#define ACCEPT_MAX_US 30

void placement_init(struct placement *p, const struct options *o, struct chance *c)
{
	memset(p, 0, sizeof(*p));
	p->options = o;
	p->chance = c;
}

static void reweigh(struct placement *p, unsigned n_workers, const uint64_t *n_open)
{
	double mean = 0;
	double sum = 0;

	for (unsigned i = 0; i < n_workers; i++)
		mean += (double)n_open[i] / n_workers;
	for (unsigned i = 0; i < n_workers; i++) {
		double lightness = (1 + mean) / (1 + (double)n_open[i]);

		sum += fmin(fmax(lightness * lightness, 0.5), 2);
		p->share[i] = sum;
	}
}

static unsigned choose_weighted(struct placement *p, unsigned n_workers, const uint64_t *n_open,
				double now_us)
{
	unsigned worker = 0;
	double x;

	if (now_us >= p->reweigh_us) {
		reweigh(p, n_workers, n_open);
		p->reweigh_us = now_us + REWEIGH_US;
	}
	x = chance_unit(p->chance) * p->share[n_workers - 1];
	while (worker < n_workers - 1 && x >= p->share[worker])
		worker++;
	return worker;
}

static unsigned choose_least(struct placement *p, unsigned n_workers, const uint64_t *n_open)
{
	unsigned first = chance_below(p->chance, n_workers);
	unsigned least = first;

	for (unsigned i = 1; i < n_workers; i++) {
		unsigned worker = (first + i) % n_workers;

		if (n_open[worker] < n_open[least])
			least = worker;
	}
	return least;
}

unsigned placement_choose(struct placement *p, const uint64_t *n_open, double now_us)
{
	unsigned n_workers = (unsigned)p->options->workers;

	if (p->options->model == MODEL_ROUND_ROBIN)
		return p->next = (p->next + 1) % n_workers;
	switch ((enum balance)p->options->balance) {
	case BALANCE_WEIGHTED:
		return choose_weighted(p, n_workers, n_open, now_us);
	case BALANCE_LEAST:
		return choose_least(p, n_workers, n_open);
	case BALANCE_HASH:
		break;
	}
	return chance_below(p->chance, n_workers);
}

static double open_time_us(const struct options *o, unsigned i)
{
	return o->burst ? 0 : i * 1e6 / o->open_rate;
}

static void on_accepted(void *arg, unsigned worker, const struct job *job, double end_us)
{
	unsigned *owners = arg;

	(void)end_us;
	owners[job->connection] = worker;
}

static void open_by_pull(const struct options *o, struct chance *c, unsigned *ret_owners)
{
	struct pool *pool = malloc(sizeof(*pool));

	if (!pool)
		err(1, "a pool");
	pool_init(pool, o, true, on_accepted, ret_owners);
	for (unsigned i = 0; i < o->connections; i++) {
		double accept_us = ACCEPT_MIN_US + chance_unit(c) * (ACCEPT_MAX_US - ACCEPT_MIN_US);
		struct job job = { .service_us = accept_us, .connection = i };

		pool_advance(pool, open_time_us(o, i));
		pool_offer(pool, &job);
	}
	pool_advance(pool, INFINITY);
	pool_finish(pool);
	free(pool);
}

void placement_open_all(const struct options *o, struct chance *c, unsigned *ret_owners,
			uint64_t *ret_counts)
{
	struct placement placement;

	placement_init(&placement, o, c);
	memset(ret_counts, 0, (size_t)o->workers * sizeof(*ret_counts));
	if (o->model == MODEL_PREEMPTIVE)
		open_by_pull(o, c, ret_owners);
	for (unsigned i = 0; i < o->connections; i++) {
		if (o->model != MODEL_PREEMPTIVE)
			ret_owners[i] = placement_choose(&placement, ret_counts, open_time_us(o, i));
		ret_counts[ret_owners[i]]++;
	}
}
