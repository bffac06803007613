/* SPDX-License-Identifier: MIT */
#include "parent/rebalance.h"

#include "bridge/config.h"

/* Of those that take part: the mean, rounded up, and a tenth above it. */
struct mean {
	uint32_t	up;
	uint64_t	total;
	unsigned	n;
};

static struct mean mean_of(const struct holding holdings[], unsigned n_slots)
{
	struct mean mean = { 0, 0, 0 };

	for (unsigned i = 0; i < n_slots; i++) {
		mean.n += holdings[i].takes_part;
		mean.total += holdings[i].takes_part ? holdings[i].now : 0;
	}
	if (mean.n > 0)
		mean.up = (uint32_t)((mean.total + mean.n - 1) / mean.n);
	return mean;
}

/* Return: how many the slot has too many; 0 = it is not heavy, or gives already. */
static uint32_t excess(const struct holding *holding, const struct mean *mean, uint32_t n_moved)
{
	uint32_t n = holding->now < holding->before ? holding->now : holding->before;

	if (!holding->takes_part || n_moved > 0 || n < REBALANCE_LEAST)
		return 0;
	if ((uint64_t)n * 10 * mean->n <= mean->total * 11 || n <= mean->up)
		return 0;
	return n - mean->up;
}

/* Return: how many it may be given beyond those it gets already. */
static uint32_t room(const struct holding *holding, const struct mean *mean, uint32_t n_moved)
{
	uint32_t n = holding->now > holding->before ? holding->now : holding->before;
	uint32_t most = n < mean->up ? mean->up - n : 0;

	if (most > REBALANCE_MOST)
		most = REBALANCE_MOST;
	return holding->takes_part && n_moved < most ? most - n_moved : 0;
}

typedef uint32_t measure_fn(const struct holding *holding, const struct mean *mean, uint32_t n_moved);

/* Return: the slot of which there is most; *ret_n of it. @moved: what each is in already. */
static unsigned find_most(const struct holding holdings[], unsigned n_slots, const struct mean *mean,
			  measure_fn *measure, const uint32_t moved[], uint32_t *ret_n)
{
	unsigned most = 0;

	*ret_n = 0;
	for (unsigned i = 0; i < n_slots; i++) {
		uint32_t n = measure(&holdings[i], mean, moved[i]);

		if (n > *ret_n) {
			*ret_n = n;
			most = i;
		}
	}
	return most;
}

unsigned rebalance_decide(const struct holding holdings[], unsigned n_slots, struct move ret_moves[])
{
	uint32_t moved[WORKERS_MAX] = { 0 };
	struct mean mean = mean_of(holdings, n_slots);
	unsigned n_moves = 0;

	while (n_moves < n_slots) {
		struct move *move = &ret_moves[n_moves];
		uint32_t n_from, n_to;

		move->from = find_most(holdings, n_slots, &mean, excess, moved, &n_from);
		move->to = find_most(holdings, n_slots, &mean, room, moved, &n_to);
		if (n_from == 0 || n_to == 0)
			break;
		move->n = n_from < n_to ? n_from : n_to;
		moved[move->from] += move->n;
		moved[move->to] += move->n;
		n_moves++;
	}
	return n_moves;
}
