/* SPDX-License-Identifier: MIT */
/*
 * poison - requests that kill whoever handles them
 *
 * A client, or a balancer before us, that repeats a request which has killed a worker kills the next one with
 * it. A worker that faults tells the fingerprint of what it was handling, whether it dies of that or contains it;
 * one that has made workers fault --poison-limit times within the window goes on the board's list, and workers
 * answer it 503 until its time is over. What is suspected and what is listed are bounded; the oldest gives way.
 */
#include "parent/crew.h"

#include "base/log.h"
#include "bridge/poison.h"

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
		if (crew->poison_until_ms[i] < crew->poison_until_ms[oldest])
			oldest = i;
	return oldest;
}

/* Our own copy decides: the board is anybody's to write. */
static void write_row(struct crew *crew, unsigned i, uint64_t fingerprint, uint64_t until_ms)
{
	struct poison_list *list = &crew->board->poison;
	uint32_t n = 0;

	crew->poison_until_ms[i] = until_ms;
	board_set(&list->rows[i].fingerprint, fingerprint);
	board_set(&list->rows[i].until_ms, until_ms);
	for (unsigned k = 0; k < POISON_MOST; k++)
		n += crew->poison_until_ms[k] != 0;
	atomic_store_explicit(&list->n, n, memory_order_release);
}

static void quarantine(struct crew *crew, struct suspect *s, const char *request)
{
	char time[DURATION_TEXT_BYTES];

	duration_format(QUARANTINE_MS, time);
	log_error("poison: requests like \"%s\" have made workers fault %u times; they are answered 503 for %s",
		  request, s->n_faults, time);
	write_row(crew, oldest_row(crew), s->fingerprint, crew->now_ms + QUARANTINE_MS);
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
	if (++s->n_faults >= limit)
		quarantine(crew, s, crash->request);
}

uint64_t poison_next_ms(const struct crew *crew)
{
	uint64_t next_ms = 0;

	for (unsigned i = 0; i < POISON_MOST; i++)
		if (crew->poison_until_ms[i] && (next_ms == 0 || crew->poison_until_ms[i] < next_ms))
			next_ms = crew->poison_until_ms[i];
	return next_ms;
}

void poison_expire(struct crew *crew)
{
	for (unsigned i = 0; i < POISON_MOST; i++) {
		if (crew->poison_until_ms[i] == 0 || crew->poison_until_ms[i] > crew->now_ms)
			continue;
		write_row(crew, i, 0, 0);
		log_info("poison: a quarantine is over");
	}
}
