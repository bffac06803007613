/* SPDX-License-Identifier: MIT */
#include "check.h"

#include "balance/weights.h"

static const struct row {
	struct load	loads[4];
	uint32_t	weights[4];
} rows[] = {
	{ { { 0, 0 }, { 0, 0 }, { 0, 0 }, { 0, 0 } },		{ 1000, 1000, 1000, 1000 } },
	{ { { 9, 0 }, { 9, 0 }, { 9, 0 }, { 9, 0 } },		{ 1000, 1000, 1000, 1000 } },
	{ { { 9, 0 }, { 9, 0 }, { 7, 0 }, { 11, 0 } },		{ 1000, 1000, 1284, 800 } },
	{ { { 0, 0 }, { 0, 0 }, { 0, 0 }, { 100, 0 } },		{ 2000, 2000, 2000, 500 } },
	{ { { 0, 0 }, { UINT64_MAX, 0 }, { 0, 0 }, { 0, 0 } },	{ 2000, 500, 2000, 2000 } },
	{ { { 9, 0 }, { 9, 4 }, { 9, 0 }, { 9, 0 } },		{ 1000, 1000, 1000, 1000 } },	/* its usual work */
	{ { { 9, 0 }, { 9, 50 }, { 9, 0 }, { 9, 0 } },		{ 1562, 500, 1562, 1562 } },
	{ { { 9, 0 }, { 9, UINT64_MAX }, { 9, 0 }, { 9, 0 } },	{ 2000, 500, 2000, 2000 } },
};

int main(void)
{
	static const uint32_t usual[4] = { 1000, 1000, 1000, 1000 };
	static const uint32_t near[4] = { 1000, 1199, 801, 1000 };
	static const uint32_t far[4] = { 1000, 1000, 1000, 799 };

	for (const struct row *row = rows; row < rows + sizeof(rows) / sizeof(rows[0]); row++) {
		uint32_t weights[4];
		double loads[4];

		for (int i = 0; i < 4; i++)
			loads[i] = weights_load(&row->loads[i]);
		weights_of(loads, 4, weights);
		for (int i = 0; i < 4; i++)
			check_equal(weights[i], row->weights[i]);
	}
	check(!weights_moved(near, usual, 4));
	check(weights_moved(far, usual, 4));
	return 0;
}
