/* SPDX-License-Identifier: MIT */
#include "balance/weights.h"

#include "base/must.h"

/*
 * So many more than there are, because the figures are behind: a burst has come in part, and who has four and who
 * has none of it says little. With less, bursts were spread less evenly than without any weights.
 */
#define FEW 8

/* Below this a loop is at its usual work; with each such time more it counts as one connection in ten more. */
#define LAG_MS 5

static double mean_of(const double loads[], unsigned n)
{
	double sum = 0;

	for (unsigned i = 0; i < n; i++)
		sum += loads[i];
	return sum / n;
}

/* What can be said is bounded. */
double weights_load(const struct load *load)
{
	double connections = load->connections < 1u << 20 ? (double)load->connections : 1u << 20;
	uint64_t lags = load->lag_ms / LAG_MS < 100 ? load->lag_ms / LAG_MS : 100;

	return (connections + FEW) * (1 + (double)lags / 10);
}

static uint32_t weight_of(double load, double mean)
{
	const uint32_t least = WEIGHT_USUAL / 2, most = WEIGHT_USUAL * 2;
	double ratio = mean / load;
	double weight = WEIGHT_USUAL * ratio * ratio;

	if (weight > most)
		return most;
	return weight < least ? least : (uint32_t)weight;
}

void weights_of(const double loads[], unsigned n, uint32_t ret_weights[])
{
	double mean;

	must(n > 0);
	mean = mean_of(loads, n);
	for (unsigned i = 0; i < n; i++)
		ret_weights[i] = weight_of(loads[i], mean);
}

bool weights_moved(const uint32_t weights[], const uint32_t in_force[], unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		uint32_t by = weights[i] > in_force[i] ? weights[i] - in_force[i] : in_force[i] - weights[i];

		if (by * 5 > in_force[i])
			return true;
	}
	return false;
}
