/* SPDX-License-Identifier: MIT */
#include "base/suggest.h"

#include <string.h>

#define WORD_MAX 32

static unsigned least_of(unsigned a, unsigned b, unsigned c)
{
	unsigned least = a < b ? a : b;

	return least < c ? least : c;
}

/* How many letters to insert, delete, replace or swap with their neighbour make @a of @b. */
static unsigned measure_distance(const char *a, size_t n_a, const char *b, size_t n_b)
{
	unsigned cost[WORD_MAX + 1][WORD_MAX + 1];

	for (unsigned i = 0; i <= n_a; i++)
		cost[i][0] = i;
	for (unsigned j = 0; j <= n_b; j++)
		cost[0][j] = j;
	for (size_t i = 1; i <= n_a; i++) {
		for (size_t j = 1; j <= n_b; j++) {
			cost[i][j] = least_of(cost[i - 1][j] + 1, cost[i][j - 1] + 1,
					      cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    cost[i - 2][j - 2] + 1 < cost[i][j])
				cost[i][j] = cost[i - 2][j - 2] + 1;
		}
	}
	return cost[n_a][n_b];
}

const char *suggest_nearest(const char *word, const char *const names[], size_t n_names)
{
	size_t n_word = strlen(word);
	const char *nearest = NULL;
	unsigned least = (unsigned)n_word / 3 + 1;

	if (n_word > WORD_MAX)
		return NULL;
	for (size_t i = 0; i < n_names; i++) {
		size_t n_name = strlen(names[i]);
		unsigned distance;

		if (n_name > WORD_MAX)
			continue;
		distance = measure_distance(word, n_word, names[i], n_name);
		if (distance <= least && distance < n_word) {
			nearest = names[i];
			least = distance - (distance > 0);
		}
	}
	return nearest;
}
