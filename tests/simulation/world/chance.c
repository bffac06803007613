/* SPDX-License-Identifier: MIT */
#include "world/chance.h"

#include "world/cover.h"
#include "world/trace.h"

static uint64_t state;
static bool possible[N_FAULTS];

static const unsigned one_in[N_FAULTS] = {
#define ONE_IN(name, n, meaning) [FAULT_##name] = n,
	FAULTS(ONE_IN)
#undef ONE_IN
};

/* splitmix64 */
uint64_t chance_bits(void)
{
	uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

uint64_t chance_below(uint64_t n)
{
	return (uint64_t)((unsigned __int128)chance_bits() * n >> 64);
}

void chance_begin(uint64_t seed)
{
	unsigned rarely = 3 + seed % 4;		/* some worlds are worse than others; in some nothing goes wrong */

	state = seed * UINT64_C(0xd1342543de82ef95) + 1;
	for (enum fault f = 0; f < N_FAULTS; f++)
		possible[f] = seed % 5 != 0 && chance_one_in(rarely);
}

bool chance_possible(enum fault fault)
{
	return possible[fault];
}

bool chance_of(enum fault fault)
{
	if (!possible[fault] || !chance_one_in(one_in[fault]))
		return false;
	cover_fault(fault);
	trace("fault", fault, 0, 0);
	return true;
}
