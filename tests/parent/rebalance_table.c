/* SPDX-License-Identifier: MIT */
#include "parent/unit.h"

#include "base/auto.h"
#include "parent/rebalance.h"

#include <stdlib.h>

#define N_MOST 8
#define OUT UINT32_MAX	/* takes no part */

static const struct row {
	const char	*sentence;
	unsigned	 n_slots;
	uint32_t	 now[N_MOST];
	uint32_t	 before[N_MOST];	/* all 0: as now */
	unsigned	 n_moves;
	struct move	 moves[N_MOST];
} rows[] = {
	{ "nobody moves nothing", 2, { 0, 0 }, { 0 }, 0, { { 0 } } },
	{ "what is even stays", 4, { 8, 8, 8, 8 }, { 0 }, 0, { { 0 } } },
	{ "one more than the mean of many is nothing", 2, { 101, 99 }, { 0 }, 0, { { 0 } } },
	{ "a tenth more is nothing", 2, { 110, 90 }, { 0 }, 0, { { 0 } } },
	{ "over a tenth is", 2, { 111, 89 }, { 0 }, 1, { { 0, 1, 11 } } },
	{ "few are not worth it", 2, { 3, 0 }, { 0 }, 0, { { 0 } } },
	{ "but four are", 2, { 4, 0 }, { 0 }, 1, { { 0, 1, 2 } } },
	{ "the mean is rounded up", 4, { 10, 8, 8, 8 }, { 0 }, 1, { { 0, 1, 1 } } },
	{ "what cannot be evener stays", 4, { 9, 9, 8, 8 }, { 0 }, 0, { { 0 } } },
	{ "one who is light may get from several", 4, { 10, 10, 10, 2 }, { 0 }, 3,
	  { { 0, 3, 2 }, { 1, 3, 2 }, { 2, 3, 2 } } },
	{ "but no more than a queue holds", 3, { 100, 100, 0 }, { 0 }, 1, { { 0, 2, REBALANCE_MOST } } },
	{ "heaviest to lightest", 4, { 20, 4, 15, 1 }, { 0 }, 2, { { 0, 3, 9 }, { 2, 1, 5 } } },
	{ "no more at once than a queue holds", 2, { 1000, 0 }, { 0 }, 1, { { 0, 1, REBALANCE_MOST } } },
	{ "who takes no part neither gives nor gets", 4, { 20, OUT, 4, OUT }, { 0 }, 1, { { 0, 2, 8 } } },
	{ "nor counts", 3, { 8, 8, OUT }, { 0 }, 0, { { 0 } } },
	{ "one alone has nobody", 1, { 100 }, { 0 }, 0, { { 0 } } },
	{ "who was not heavy a moment ago is not", 2, { 20, 4 }, { 10, 10 }, 0, { { 0 } } },
	{ "who had more a moment ago is light by that", 2, { 20, 4 }, { 20, 11 }, 1, { { 0, 1, 1 } } },
};

static void tell(struct holding *ret_tally, uint32_t now, uint32_t before)
{
	*ret_tally = (struct holding){ now != OUT, now == OUT ? 0 : now, before == OUT ? 0 : before };
}

static void run_row(const struct row *row)
{
	struct holding holdings[N_MOST];
	struct move moves[N_MOST];
	uint32_t any = 0;
	unsigned n;

	for (unsigned i = 0; i < row->n_slots; i++)
		any |= row->before[i];
	for (unsigned i = 0; i < row->n_slots; i++)
		tell(&holdings[i], row->now[i], any ? row->before[i] : row->now[i]);
	n = rebalance_decide(holdings, row->n_slots, moves);
	if (n != row->n_moves)
		fail_msg("%s: %u moves", row->sentence, n);
	for (unsigned i = 0; i < n; i++) {
		const struct move *a = &moves[i], *b = &row->moves[i];

		if (a->from != b->from || a->to != b->to || a->n != b->n)
			fail_msg("%s: move %u: %u of %u to %u", row->sentence, i, a->n, a->from, a->to);
	}
}

static bool is_even(const struct holding holdings[], unsigned n_slots)
{
	uint32_t total = 0, most = 0;

	for (unsigned i = 0; i < n_slots; i++) {
		total += holdings[i].now;
		most = holdings[i].now > most ? holdings[i].now : most;
	}
	return most < REBALANCE_LEAST || most * 10 * n_slots <= total * 11 || most <= (total + n_slots - 1) / n_slots;
}

/* Whatever it begins with, it becomes even and then stays as it is; nobody gives after he was given to. */
static void run_random(void)
{
	unsigned n_slots = 2 + (unsigned)lrand48() % (N_MOST - 1);
	bool got[N_MOST] = { false };
	struct holding holdings[N_MOST];
	struct move moves[N_MOST];
	unsigned n, n_looks = 0;

	for (unsigned i = 0; i < n_slots; i++)
		tell(&holdings[i], (uint32_t)lrand48() % 100, OUT);
	for (unsigned i = 0; i < n_slots; i++)
		holdings[i].before = holdings[i].now;
	while ((n = rebalance_decide(holdings, n_slots, moves)) > 0) {
		assert_true(++n_looks < 40);
		for (unsigned i = 0; i < n; i++) {
			assert_false(got[moves[i].from]);
			got[moves[i].to] = true;
			holdings[moves[i].from].now -= moves[i].n;
			holdings[moves[i].to].now += moves[i].n;
		}
		for (unsigned i = 0; i < n_slots; i++)
			holdings[i].before = holdings[i].now;
	}
	assert_true(is_even(holdings, n_slots));
}

static void rebalance_table(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		run_row(&rows[i]);
	srand48(11);
	for (int i = 0; i < 20000; i++)
		run_random();
}

TEST_MAIN(rebalance_table)
