/* SPDX-License-Identifier: MIT */
/*
 * weights - from what workers have to do to how much of what comes they get
 *
 * Who has half of the mean gets the more, who has twice of it the less, by the square; at most 4 : 1, so that what
 * is decided from figures that are a moment old does not drive all to one. Who is at something long gets less as
 * well. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define WEIGHT_USUAL 1000

struct load {
	uint64_t	connections;
	uint64_t	lag_ms;		/* since its loop last waited; 0 = it waits */
};

/* What a worker has to do, in connections. */
double weights_load(const struct load *load);

/* Of @n workers with these loads, each from WEIGHT_USUAL / 2 to WEIGHT_USUAL * 2. */
void weights_of(const double loads[], unsigned n, uint32_t ret_weights[]);

/* Whether @weights differ from those @in_force by enough to be worth a change. */
bool weights_moved(const uint32_t weights[], const uint32_t in_force[], unsigned n);
