/* SPDX-License-Identifier: MIT */
/* A list of deadlines that is searched from end to end is slow and obviously right. */
#include "engine/engines.h"

#include "engine/wheel.h"

#define N_TIMERS 300
#define N_STEPS 100000

static struct wheel wheel;
static struct timer timers[N_TIMERS];
static uint64_t deadlines[N_TIMERS];	/* the list */
static uint64_t now_ms;

/* Mostly near, sometimes beyond the horizon of the wheel; often again where others are. */
static uint64_t some_deadline(void)
{
	static const unsigned bits[] = { 3, 7, 10, 13, 17, 20, 25, 31, 40 };
	uint64_t far = (uint64_t)lrand48() << 31 ^ (uint64_t)lrand48();

	if (lrand48() % 16 == 0)
		return now_ms > 100 ? now_ms - (uint64_t)(lrand48() % 100) : 0;
	return now_ms + far % (UINT64_C(1) << bits[lrand48() % 9]);
}

static uint64_t first_deadline(void)
{
	uint64_t first = WHEEL_NEVER;

	for (unsigned i = 0; i < N_TIMERS; i++)
		if (deadlines[i] < first)
			first = deadlines[i];
	return first;
}

static void change_one(void)
{
	unsigned i = (unsigned)(lrand48() % N_TIMERS);

	deadlines[i] = lrand48() % 5 == 0 ? WHEEL_NEVER : some_deadline();
	wheel_set(&wheel, &timers[i], deadlines[i]);
}

static void expire(void)
{
	struct timer *timer;

	while ((timer = wheel_expire(&wheel, now_ms))) {
		assert_true(timer->deadline_ms <= now_ms);
		assert_int_equal(deadlines[timer - timers], timer->deadline_ms);
		assert_false(list_linked(&timer->link));
		deadlines[timer - timers] = WHEEL_NEVER;
	}
	assert_true(first_deadline() > now_ms);
	assert_true(wheel_next_ms(&wheel) > now_ms);
}

static void wheel_agrees_with_a_list(void **state)
{
	srand48(4711);
	now_ms = 1234567;
	wheel_init(&wheel, now_ms);
	assert_true(wheel_next_ms(&wheel) == WHEEL_NEVER);
	for (unsigned i = 0; i < N_TIMERS; i++)
		deadlines[i] = WHEEL_NEVER;
	for (unsigned step = 0; step < N_STEPS; step++) {
		change_one();
		assert_true(wheel_next_ms(&wheel) <= first_deadline() || first_deadline() <= now_ms);
		if (lrand48() % 8 == 0) {
			now_ms += (uint64_t)lrand48() % (UINT64_C(1) << (lrand48() % 22));
			expire();
		}
	}
	for (unsigned i = 0; i < N_TIMERS; i++)
		wheel_set(&wheel, &timers[i], deadlines[i] = WHEEL_NEVER);
	now_ms += UINT64_C(1) << 31;
	expire();
	assert_true(wheel_next_ms(&wheel) == WHEEL_NEVER);	/* an idle worker sleeps */
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(wheel_agrees_with_a_list) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
