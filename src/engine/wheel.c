/* SPDX-License-Identifier: MIT */
#include "engine/wheel.h"

#define PLACE_BITS 6
#define PLACES 64

static unsigned shift_of(unsigned level)
{
	return level * PLACE_BITS;
}

void wheel_init(struct wheel *wheel, uint64_t now_ms)
{
	wheel->now_ms = now_ms;
	wheel->next_ms = WHEEL_NEVER;
	for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
		wheel->occupied[level] = 0;
		for (unsigned place = 0; place < PLACES; place++)
			list_init(&wheel->places[level][place]);
	}
}

/* The lowest level on which @when is less than a whole round away. */
static unsigned level_for(const struct wheel *wheel, uint64_t when)
{
	for (unsigned level = 0; level < WHEEL_LEVELS - 1; level++)
		if ((when >> shift_of(level)) - (wheel->now_ms >> shift_of(level)) < PLACES)
			return level;
	return WHEEL_LEVELS - 1;
}

static void file_timer(struct wheel *wheel, struct timer *timer)
{
	uint64_t when = timer->deadline_ms < wheel->now_ms ? wheel->now_ms : timer->deadline_ms;
	unsigned level = level_for(wheel, when);
	uint64_t turn = when >> shift_of(level);
	uint64_t last = (wheel->now_ms >> shift_of(level)) + PLACES - 1;

	if (turn > last)	/* beyond the horizon (12 days): filed again when this comes up */
		turn = last;
	timer->filed_ms = turn << shift_of(level);
	list_append(&wheel->places[level][turn % PLACES], &timer->link);
	wheel->occupied[level] |= UINT64_C(1) << (turn % PLACES);
	if (timer->filed_ms < wheel->next_ms)
		wheel->next_ms = timer->filed_ms;
}

void wheel_set(struct wheel *wheel, struct timer *timer, uint64_t deadline_ms)
{
	timer->deadline_ms = deadline_ms;
	if (list_linked(&timer->link)) {
		if (deadline_ms != WHEEL_NEVER && deadline_ms >= timer->filed_ms)
			return;
		list_remove(&timer->link);	/* its place's bit may stay set: cleared when it comes up */
	}
	if (deadline_ms != WHEEL_NEVER)
		file_timer(wheel, timer);
}

/* When the next occupied place of @level comes up; its current place counts. */
static uint64_t next_of_level(const struct wheel *wheel, unsigned level)
{
	uint64_t turn = wheel->now_ms >> shift_of(level);
	unsigned at = turn % PLACES;
	uint64_t bits = wheel->occupied[level];

	if (!bits)
		return WHEEL_NEVER;
	bits = bits >> at | (at ? bits << (PLACES - at) : 0);
	return (turn + (unsigned)__builtin_ctzll(bits)) << shift_of(level);
}

static struct timer *take_from(struct wheel *wheel, unsigned level, unsigned place)
{
	struct list *link = list_take(&wheel->places[level][place]);

	if (!link) {
		wheel->occupied[level] &= ~(UINT64_C(1) << place);
		return NULL;
	}
	return container_of(link, struct timer, link);
}

/* The level whose next occupied place comes up first, and when. */
static unsigned first_level(const struct wheel *wheel, uint64_t *ret_when)
{
	unsigned first = 0;

	*ret_when = WHEEL_NEVER;
	for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
		uint64_t when = next_of_level(wheel, level);

		if (when < *ret_when) {
			*ret_when = when;
			first = level;
		}
	}
	return first;
}

struct timer *wheel_expire(struct wheel *wheel, uint64_t now_ms)
{
	while (wheel->next_ms <= now_ms) {
		uint64_t when;
		unsigned level = first_level(wheel, &when);
		struct timer *timer;

		wheel->next_ms = when;
		if (when > now_ms)
			break;
		if (when > wheel->now_ms)
			wheel->now_ms = when;
		timer = take_from(wheel, level, (when >> shift_of(level)) % PLACES);
		if (timer && timer->deadline_ms <= now_ms)
			return timer;
		if (timer)
			file_timer(wheel, timer);
	}
	if (now_ms > wheel->now_ms)
		wheel->now_ms = now_ms;
	return NULL;
}
