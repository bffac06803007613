/* SPDX-License-Identifier: MIT */
/*
 * poison - requests that kill whoever handles them
 *
 * A client, or a balancer before us, that repeats a request which has killed a worker kills the next one with
 * it. A worker that faults tells the fingerprint of what it was handling, whether it dies of that or contains it;
 * one that has made workers fault --poison-limit times within the window goes on the board's list, and workers
 * answer it 503 until its time is over. What is suspected and what is listed are bounded; the oldest gives way.
 */
#include "parent/poison.h"

#include "base/log.h"
#include "bridge/channel.h"
#include "bridge/poison.h"
#include "parent/crew.h"
#include "parent/event.h"
#include "parent/obituary.h"

#include <stdio.h>
#include <string.h>

#define WINDOW_MS	60000
#define QUARANTINE_MS	60000

static struct suspect *find_suspect(struct crew *crew, uint64_t fingerprint)
{
	struct suspect *oldest = &crew->suspects[0];

	for (struct suspect *s = crew->suspects; s < crew->suspects + SUSPECTS_MOST; s++) {
		if (s->fingerprint == fingerprint)
			return s;
		if (s->first_ms < oldest->first_ms)
			oldest = s;
	}
	*oldest = (struct suspect){ .fingerprint = fingerprint, .first_ms = crew->now_ms };
	return oldest;
}

static unsigned oldest_row(const struct crew *crew)
{
	unsigned oldest = 0;

	for (unsigned i = 1; i < POISON_MOST; i++)
		if (crew->quarantines[i].until_ms < crew->quarantines[oldest].until_ms)
			oldest = i;
	return oldest;
}

/* Our own copy decides: the board is anybody's to write. @until_ms: 0 = the row is free. */
static void write_row(struct crew *crew, unsigned i, const struct suspect *culprit, uint64_t until_ms)
{
	struct poison_list *list = &crew->board->poison;
	uint32_t n = 0;

	crew->quarantines[i] = (struct quarantine){ *culprit, until_ms };
	board_set(&list->rows[i].fingerprint, culprit->fingerprint);
	board_set(&list->rows[i].until_ms, until_ms);
	for (unsigned k = 0; k < POISON_MOST; k++)
		n += crew->quarantines[k].until_ms != 0;
	atomic_store_explicit(&list->n, n, memory_order_release);
}

static void free_row(struct crew *crew, unsigned i)
{
	event_poison(crew, "answered", &crew->quarantines[i].culprit);
	write_row(crew, i, &(struct suspect){ .fingerprint = 0 }, 0);
}

static void quarantine(struct crew *crew, struct suspect *s)
{
	char time[DURATION_TEXT_BYTES];

	duration_format(QUARANTINE_MS, time);
	log_error("poison: requests like \"%s\" have made workers fault %u times; they are answered 503 for %s",
		  s->request, s->n_faults, time);
	write_row(crew, oldest_row(crew), s, crew->now_ms + QUARANTINE_MS);
	event_poison(crew, "refused", s);
	*s = (struct suspect){ 0 };
}

void poison_note(struct crew *crew, const struct crash_msg *crash)
{
	uint32_t limit = crew->config->options.poison_limit;
	struct suspect *s;

	if (crash->fingerprint == 0 || limit == BROOD_OFF)
		return;
	s = find_suspect(crew, crash->fingerprint);
	if (crew->now_ms - s->first_ms > WINDOW_MS)
		*s = (struct suspect){ .fingerprint = crash->fingerprint, .first_ms = crew->now_ms };
	snprintf(s->request, sizeof(s->request), "%s", crash->request);
	if (++s->n_faults >= limit)
		quarantine(crew, s);
}

uint64_t poison_next_ms(const struct crew *crew)
{
	uint64_t next_ms = 0;

	for (unsigned i = 0; i < POISON_MOST; i++)
		if (crew->quarantines[i].until_ms && (next_ms == 0 || crew->quarantines[i].until_ms < next_ms))
			next_ms = crew->quarantines[i].until_ms;
	return next_ms;
}

void poison_expire(struct crew *crew)
{
	for (unsigned i = 0; i < POISON_MOST; i++) {
		if (crew->quarantines[i].until_ms == 0 || crew->quarantines[i].until_ms > crew->now_ms)
			continue;
		log_info("poison: the quarantine of \"%s\" is over", crew->quarantines[i].culprit.request);
		free_row(crew, i);
	}
}

uint64_t poison_suspected_ms(const struct crew *crew, const struct suspect *suspect)
{
	uint64_t until_ms = suspect->first_ms + WINDOW_MS;

	return suspect->fingerprint != 0 && until_ms > crew->now_ms ? until_ms - crew->now_ms : 0;
}

bool poison_clear(struct crew *crew, unsigned i)
{
	if (crew->quarantines[i].until_ms == 0)
		return false;
	log_info("poison: the quarantine of \"%s\" is lifted", crew->quarantines[i].culprit.request);
	free_row(crew, i);
	return true;
}

unsigned poison_clear_all(struct crew *crew)
{
	unsigned n = 0;

	for (unsigned i = 0; i < POISON_MOST; i++)
		n += poison_clear(crew, i);
	memset(crew->suspects, 0, sizeof(crew->suspects));
	return n;
}
