/* SPDX-License-Identifier: MIT */
#include "parent/restart.h"

#include "base/must.h"

static uint32_t pool_limit(const struct restart_policy *policy)
{
	uint64_t limit = (uint64_t)policy->limit * ((policy->n_workers + 1) / 2);

	if (limit < policy->limit)
		limit = policy->limit;
	return limit < UINT32_MAX ? (uint32_t)limit : UINT32_MAX - 1;
}

uint32_t restart_slot_deaths(const struct restart_policy *policy)
{
	return policy->limit + 1;
}

uint32_t restart_pool_deaths(const struct restart_policy *policy)
{
	return pool_limit(policy) + 1;
}

static void drop_oldest(struct deaths *deaths)
{
	deaths->first = (deaths->first + 1) % deaths->size;
	deaths->n--;
}

static void record_death(struct deaths *deaths, uint64_t at_ms, uint32_t window_ms)
{
	while (deaths->n > 0 && at_ms - deaths->at_ms[deaths->first] > window_ms)
		drop_oldest(deaths);
	if (deaths->n == deaths->size)
		drop_oldest(deaths);
	deaths->at_ms[(deaths->first + deaths->n) % deaths->size] = at_ms;
	deaths->n++;
}

static uint64_t since_oldest(const struct deaths *deaths, uint64_t at_ms)
{
	return at_ms - deaths->at_ms[deaths->first];
}

/* backoff_min doubled @n_times, a quarter more or less, at most backoff_max. */
static uint32_t backoff_ms(const struct restart_policy *policy, uint32_t n_times, uint32_t random)
{
	uint64_t max = policy->backoff_max_ms;
	uint64_t delay = policy->backoff_min_ms;

	while (n_times-- > 0 && delay < max)
		delay *= 2;
	if (delay > max)
		delay = max;
	delay = delay - delay / 4 + (delay / 2 * random >> 32);
	return (uint32_t)(delay < max ? delay : max);
}

/*
 * The first death of a worker that had been ready costs no wait, nor any death after a while of service;
 * one before readiness always does.
 */
static uint32_t delay_ms(const struct restart_policy *policy, const struct restart_history *slot,
			 const struct death *death)
{
	uint32_t n = slot->deaths.n > slot->n_unready ? slot->deaths.n : slot->n_unready;

	if (!death->was_ready)
		return backoff_ms(policy, n - 1, death->random);
	if (death->served_ms > policy->backoff_min_ms)
		return 0;
	return n < 2 ? 0 : backoff_ms(policy, n - 2, death->random);
}

struct restart_verdict restart_decide(const struct restart_policy *policy, struct restart_history *slot,
				      struct deaths *pool, const struct death *death)
{
	struct restart_verdict v = { .what = RESTART_NOW };

	must(policy->limit > 0);
	must(slot->deaths.size > policy->limit && pool->size > pool_limit(policy));

	record_death(&slot->deaths, death->at_ms, policy->window_ms);
	record_death(pool, death->at_ms, policy->window_ms);
	slot->n_unready = death->was_ready ? 0 : slot->n_unready + 1;
	v.n_deaths = slot->deaths.n;
	v.span_ms = since_oldest(&slot->deaths, death->at_ms);

	if (slot->n_unready > policy->limit) {
		v.what = RESTART_NEVER_READY;
		v.n_deaths = slot->n_unready;
	} else if (slot->deaths.n > policy->limit) {
		v.what = RESTART_NEVER_SLOT;
	} else if (!policy->slots_only && pool->n > pool_limit(policy)) {
		v.what = RESTART_NEVER_POOL;
		v.n_deaths = pool->n;
		v.span_ms = since_oldest(pool, death->at_ms);
	} else {
		v.delay_ms = delay_ms(policy, slot, death);
		v.what = v.delay_ms > 0 ? RESTART_LATER : RESTART_NOW;
	}
	return v;
}
