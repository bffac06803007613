/* SPDX-License-Identifier: MIT */
#include "parent/rebalance.h"

/* Of those that take part: the mean, rounded up, and a tenth above it. */
struct mean {
	uint32_t	up;
	uint64_t	total;
	unsigned	n;
};

static struct mean mean_of(const struct tally loads[], unsigned n_slots)
{
	struct mean mean = { 0, 0, 0 };

	for (unsigned i = 0; i < n_slots; i++) {
		mean.n += loads[i].takes_part;
		mean.total += loads[i].takes_part ? loads[i].now : 0;
	}
	if (mean.n > 0)
		mean.up = (uint32_t)((mean.total + mean.n - 1) / mean.n);
	return mean;
}

/* Return: how many it has too many; 0 = it is not heavy. */
static uint32_t excess(const struct tally *load, const struct mean *mean)
{
	uint32_t n = load->now < load->before ? load->now : load->before;

	if (!load->takes_part || n < REBALANCE_LEAST || (uint64_t)n * 10 * mean->n <= mean->total * 11)
		return 0;
	return n > mean->up ? n - mean->up : 0;
}

/* Return: how many it may be given. */
static uint32_t room(const struct tally *load, const struct mean *mean)
{
	uint32_t n = load->now > load->before ? load->now : load->before;

	return load->takes_part && n < mean->up ? mean->up - n : 0;
}

static bool is_in(const struct move moves[], unsigned n_moves, unsigned slot)
{
	for (unsigned i = 0; i < n_moves; i++)
		if (moves[i].from == slot || moves[i].to == slot)
			return true;
	return false;
}

typedef uint32_t measure_fn(const struct tally *load, const struct mean *mean);

/* Return: the slot of which there is most, among those not in @moves; *ret_n of it. */
static unsigned find_most(const struct tally loads[], unsigned n_slots, const struct mean *mean,
			  measure_fn *measure, const struct move moves[], unsigned n_moves, uint32_t *ret_n)
{
	unsigned most = 0;

	*ret_n = 0;
	for (unsigned i = 0; i < n_slots; i++) {
		uint32_t n = measure(&loads[i], mean);

		if (n > *ret_n && !is_in(moves, n_moves, i)) {
			*ret_n = n;
			most = i;
		}
	}
	return most;
}

unsigned rebalance_decide(const struct tally loads[], unsigned n_slots, struct move ret_moves[])
{
	struct mean mean = mean_of(loads, n_slots);
	unsigned n_moves = 0;

	while (n_moves < n_slots / 2) {
		struct move *move = &ret_moves[n_moves];
		uint32_t n_from, n_to;

		move->from = find_most(loads, n_slots, &mean, excess, ret_moves, n_moves, &n_from);
		move->to = find_most(loads, n_slots, &mean, room, ret_moves, n_moves, &n_to);
		if (n_from == 0 || n_to == 0)
			break;
		move->n = n_from < n_to ? n_from : n_to;
		if (move->n > REBALANCE_MOST)
			move->n = REBALANCE_MOST;
		n_moves++;
	}
	return n_moves;
}
