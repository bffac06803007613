/* SPDX-License-Identifier: MIT */
/*
 * pulse - does the program live, and has it lived enough?
 *
 * It is watched from its first WATCHDOG=1 on. One that lets three quarters of the hang timeout pass is silent on
 * the board from then on, so that others get its connections; the whole of it, and the parent has it aborted. So
 * has it one that was stopped by a signal. One that was told to stop need not say that it lives, as systemd does not
 * want it then either; it has until the drain timeout. By age and memory it asks to be replaced, as any worker does.
 */
#include "guest/room.h"

#include "base/jitter.h"
#include "bridge/board.h"

#define RSS_LOOK_MS 1000

void pulse_begin(struct keeper *k)
{
	const struct brood_options *o = &k->config->options;

	board_set(&k->row->heartbeat_ms, k->now_ms);
	board_set(&k->row->waiting, 1);
	k->age_at_ms = k->rss_look_ms = NEVER;
	if (o->max_age_ms)
		k->age_at_ms = k->now_ms + jitter_up_to_a_tenth_less(o->max_age_ms);
	k->rss_bytes = jitter_up_to_a_tenth_less(o->max_rss_bytes);
	if (k->rss_bytes)
		k->rss_look_ms = k->now_ms + RSS_LOOK_MS;
}

/* When it is taken for silent; NEVER. */
static uint64_t silent_from_ms(const struct keeper *k)
{
	uint32_t timeout_ms = k->config->options.hang_timeout_ms;

	if (k->ping_ms == 0 || timeout_ms == BROOD_OFF || k->phase != PHASE_SERVING || k->leaving.told)
		return NEVER;
	return k->ping_ms + timeout_ms / 4 * 3;
}

static void publish(struct keeper *k)
{
	bool silent = k->stopped_ms || k->now_ms >= silent_from_ms(k);

	board_set(&k->row->heartbeat_ms, k->stopped_ms ? k->stopped_ms : silent ? k->ping_ms : k->now_ms);
	atomic_store_explicit(&k->row->waiting, !silent, memory_order_release);
}

static bool is_too_large(struct keeper *k)
{
	if (k->now_ms < k->rss_look_ms)
		return false;
	k->rss_look_ms = k->now_ms + RSS_LOOK_MS;
	return family_rss_bytes() >= k->rss_bytes;
}

void pulse_step(struct keeper *k)
{
	publish(k);
	if (k->retiring || k->leaving.on || k->phase != PHASE_SERVING)
		return;
	if (k->now_ms >= k->age_at_ms)
		keeper_retire(k, "max-age");
	else if (is_too_large(k))
		keeper_retire(k, "max-rss");
}

uint64_t pulse_next_ms(const struct keeper *k)
{
	uint64_t next_ms = silent_from_ms(k) > k->now_ms ? silent_from_ms(k) : NEVER;

	if (k->retiring || k->leaving.on || k->phase != PHASE_SERVING)
		return next_ms;
	if (k->age_at_ms < next_ms)
		next_ms = k->age_at_ms;
	return k->rss_look_ms < next_ms ? k->rss_look_ms : next_ms;
}
