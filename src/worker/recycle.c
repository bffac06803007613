/* SPDX-License-Identifier: MIT */
/*
 * recycle - a worker that has served long enough asks to be replaced
 *
 * By requests answered, by age, by memory resident. Each limit is up to a tenth earlier, at random, so that
 * workers born together do not go together. Memory is looked at now and then, and only while the loop turns:
 * an idle worker does not grow, and is not woken. And one whose handler has faulted has served long enough.
 */
#include "base/jitter.h"
#include "worker/room.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define LOOK_MS 1000	/* between two looks at the memory */

void recycle_init(struct worker *w)
{
	const struct brood_options *o = &w->config->options;

	w->recycle = (struct recycle){
		.requests = jitter_up_to_a_tenth_less(o->max_requests),
		.rss_bytes = jitter_up_to_a_tenth_less(o->max_rss_bytes),
		.age_at_ms = ENGINE_NEVER,
		.statm_fd = -1,
	};
	if (o->max_age_ms)
		w->recycle.age_at_ms = w->engine->now_ms + jitter_up_to_a_tenth_less(o->max_age_ms);
	if (o->max_rss_bytes)
		w->recycle.statm_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
}

/* Return: bytes, 0 when it cannot be known. */
static uint64_t resident_bytes(int statm_fd)
{
	char text[128];
	ssize_t n = pread(statm_fd, text, sizeof(text) - 1, 0);
	uint64_t pages = 0;

	if (n <= 0)
		return 0;
	text[n] = '\0';
	if (sscanf(text, "%*u %" SCNu64, &pages) != 1)
		return 0;
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static bool is_too_large(struct worker *w)
{
	struct recycle *r = &w->recycle;

	if (r->statm_fd < 0 || w->engine->now_ms < r->look_ms)
		return false;
	r->look_ms = w->engine->now_ms + LOOK_MS;
	return resident_bytes(r->statm_fd) >= r->rss_bytes;
}

void recycle_step(struct worker *w)
{
	const struct recycle *r = &w->recycle;

	if (w->retiring || w->drain.on)
		return;
	if (w->conns.counters.faults > 0)
		brood_retire("fault");
	else if (r->requests && w->conns.counters.requests >= r->requests)
		brood_retire("max-requests");
	else if (w->engine->now_ms >= r->age_at_ms)
		brood_retire("max-age");
	else if (is_too_large(w))
		brood_retire("max-rss");
}

uint64_t recycle_next_ms(const struct worker *w)
{
	return w->retiring || w->drain.on ? ENGINE_NEVER : w->recycle.age_at_ms;
}
