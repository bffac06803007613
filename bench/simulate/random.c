/* SPDX-License-Identifier: MIT */
/*
 * simulate_random - numbers by chance, the same from the same seed on every machine
 */
#include "simulate.h"

static uint64_t chance_bits(struct chance *c)
{
	uint64_t z = c->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

double chance_unit(struct chance *c)
{
	return (double)(chance_bits(c) >> 11) * 0x1p-53;
}

double chance_exponential(struct chance *c, double mean)
{
	return -mean * log1p(-chance_unit(c));
}

unsigned chance_below(struct chance *c, unsigned n)
{
	return (unsigned)((chance_bits(c) >> 32) * n >> 32);
}
