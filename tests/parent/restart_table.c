/* SPDX-License-Identifier: MIT */
#include "parent/unit.h"

#include "base/auto.h"
#include "parent/restart.h"

#include <stdio.h>

#define MIDDLE 0x80000000u	/* the random number that adds no jitter */
#define N_SLOTS_MAX 4
#define N_STEPS_MAX 16

enum life { UNREADY, READY, SETTLED };	/* settled: ready, and served for longer than the shortest wait */

struct step {
	unsigned	slot;
	uint64_t	at_ms;
	enum life	life;
	uint32_t	random;
	enum restart	what;
	uint32_t	delay_ms;	/* or, when it gives up, how many deaths it counted */
};

#define NOW RESTART_NOW, 0
#define WAIT(ms) RESTART_LATER, (ms)

struct row {
	const char		*sentence;
	struct restart_policy	 policy;
	unsigned		 n_steps;
	struct step		 steps[N_STEPS_MAX];
};

/* limit, window, backoff from .. to, workers, slots only */
#define USUAL { 5, 10000, 100, 10000, 4, false }

static const struct row rows[] = {
	{ "the first death of a worker that was ready costs nothing, the next ones double", USUAL, 6, {
		{ 0, 0, READY, MIDDLE, NOW }, { 0, 10, READY, MIDDLE, WAIT(100) },
		{ 0, 20, READY, MIDDLE, WAIT(200) }, { 0, 30, READY, MIDDLE, WAIT(400) },
		{ 0, 40, READY, MIDDLE, WAIT(800) }, { 0, 50, READY, MIDDLE, RESTART_NEVER_SLOT, 6 } } },
	{ "a death before readiness always waits", USUAL, 6, {
		{ 0, 0, UNREADY, MIDDLE, WAIT(100) }, { 0, 10, UNREADY, MIDDLE, WAIT(200) },
		{ 0, 20, UNREADY, MIDDLE, WAIT(400) }, { 0, 30, UNREADY, MIDDLE, WAIT(800) },
		{ 0, 40, UNREADY, MIDDLE, WAIT(1600) },
		{ 0, 50, UNREADY, MIDDLE, RESTART_NEVER_READY, 6 } } },
	{ "after a while of service there is no wait, but the deaths count", { 2, 10000, 100, 10000, 1, false }, 3, {
		{ 0, 0, SETTLED, MIDDLE, NOW }, { 0, 1000, SETTLED, MIDDLE, NOW },
		{ 0, 2000, SETTLED, MIDDLE, RESTART_NEVER_SLOT, 3 } } },
	{ "deaths fall out of the window", { 2, 1000, 100, 10000, 1, false }, 5, {
		{ 0, 0, READY, MIDDLE, NOW }, { 0, 1000, READY, MIDDLE, WAIT(100) },
		{ 0, 1001, READY, MIDDLE, WAIT(100) }, { 0, 2002, READY, MIDDLE, NOW },
		{ 0, 2003, READY, MIDDLE, WAIT(100) } } },
	{ "deaths before readiness reach the limit in any time", { 2, 1000, 100, 10000, 1, false }, 3, {
		{ 0, 0, UNREADY, MIDDLE, WAIT(100) }, { 0, 5000, UNREADY, MIDDLE, WAIT(200) },
		{ 0, 99999, UNREADY, MIDDLE, RESTART_NEVER_READY, 3 } } },
	{ "a death while serving ends the row of unready ones", { 2, 1000, 100, 10000, 1, false }, 4, {
		{ 0, 0, UNREADY, MIDDLE, WAIT(100) }, { 0, 5000, UNREADY, MIDDLE, WAIT(200) },
		{ 0, 10000, READY, MIDDLE, NOW }, { 0, 20000, UNREADY, MIDDLE, WAIT(100) } } },
	{ "jitter is a quarter either way", USUAL, 3, {
		{ 0, 0, UNREADY, 0, WAIT(75) }, { 1, 0, UNREADY, UINT32_MAX, WAIT(124) },
		{ 2, 0, UNREADY, MIDDLE / 2, WAIT(87) } } },
	{ "the wait has a ceiling, jitter or not", { 9, 10000, 100, 300, 1, false }, 5, {
		{ 0, 0, UNREADY, MIDDLE, WAIT(100) }, { 0, 1, UNREADY, MIDDLE, WAIT(200) },
		{ 0, 2, UNREADY, UINT32_MAX, WAIT(300) }, { 0, 3, UNREADY, MIDDLE, WAIT(300) },
		{ 0, 4, UNREADY, 0, WAIT(225) } } },
	{ "slots are counted each for itself", { 1, 1000, 100, 10000, 4, false }, 3, {
		{ 0, 0, READY, MIDDLE, NOW }, { 1, 0, READY, MIDDLE, NOW },
		{ 0, 1, READY, MIDDLE, RESTART_NEVER_SLOT, 2 } } },
	{ "the pool's limit is the slot's, times half the workers", { 2, 1000, 100, 10000, 4, false }, 5, {
		{ 0, 0, READY, MIDDLE, NOW }, { 1, 1, READY, MIDDLE, NOW }, { 2, 2, READY, MIDDLE, NOW },
		{ 3, 3, READY, MIDDLE, NOW }, { 0, 4, READY, MIDDLE, RESTART_NEVER_POOL, 5 } } },
	{ "where slots may end alone the pool has none", { 1, 1000, 100, 10000, 4, true }, 4, {
		{ 0, 0, READY, MIDDLE, NOW }, { 1, 1, READY, MIDDLE, NOW }, { 2, 2, READY, MIDDLE, NOW },
		{ 3, 3, READY, MIDDLE, NOW } } },
	{ "of one worker the pool's limit is the slot's", { 1, 1000, 100, 10000, 1, false }, 2, {
		{ 0, 0, READY, MIDDLE, NOW }, { 0, 0, READY, MIDDLE, RESTART_NEVER_SLOT, 2 } } },
	{ "the widest numbers do not overflow", { 9, UINT32_MAX, UINT32_MAX, UINT32_MAX, 4, false }, 3, {
		{ 0, 0, UNREADY, UINT32_MAX, WAIT(UINT32_MAX) },
		{ 0, UINT64_MAX, UNREADY, 0, WAIT(3221225472) },
		{ 0, UINT64_MAX, READY, UINT32_MAX, WAIT(UINT32_MAX) } } },
};

static void run_row(const struct row *row)
{
	static uint64_t at_ms[N_SLOTS_MAX + 1][64];
	struct restart_history slots[N_SLOTS_MAX] = { 0 };
	struct deaths pool = { .at_ms = at_ms[N_SLOTS_MAX], .size = restart_pool_deaths(&row->policy) };

	assert_true(pool.size <= ARRAY_LEN(at_ms[0]));
	for (unsigned i = 0; i < N_SLOTS_MAX; i++)
		slots[i].deaths = (struct deaths){ at_ms[i], restart_slot_deaths(&row->policy), 0, 0 };
	for (unsigned i = 0; i < row->n_steps; i++) {
		const struct step *s = &row->steps[i];
		const struct death death = { s->at_ms, s->life != UNREADY, s->random,
			s->life == SETTLED ? (uint64_t)row->policy.backoff_min_ms + 1 : 0 };
		struct restart_verdict v = restart_decide(&row->policy, &slots[s->slot], &pool, &death);
		uint32_t number = v.what > RESTART_LATER ? v.n_deaths : v.delay_ms;

		if (v.what != s->what || number != s->delay_ms)
			fail_msg("%s: step %u: verdict %d, %u", row->sentence, i, v.what, number);
	}
}

static void restart_table(void **state)
{
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
		run_row(&rows[i]);
}

TEST_MAIN(restart_table)
