/* SPDX-License-Identifier: MIT */
/* A deadline that every request pushes back costs a wake-up per span it was first set for, not per push. */
#include "engine/engines.h"

#include "engine/wheel.h"

static void wheel_moves_are_free(void **state)
{
	static struct wheel wheel;
	struct timer timer = { .deadline_ms = 0 };
	uint64_t now_ms = 1000, n_wakes = 0;

	wheel_init(&wheel, now_ms);
	for (unsigned step = 0; step < 100000; step++, now_ms += 3) {
		wheel_set(&wheel, &timer, now_ms + 75000);
		if (wheel_next_ms(&wheel) > now_ms)
			continue;
		n_wakes++;
		assert_null(wheel_expire(&wheel, now_ms));
		assert_true(wheel_next_ms(&wheel) > now_ms);
	}
	printf("%llu wake-ups in 300 s with a deadline 75 s away\n", (unsigned long long)n_wakes);
	assert_true(n_wakes <= 10);
	now_ms = timer.deadline_ms;
	assert_ptr_equal(wheel_expire(&wheel, now_ms), &timer);
	assert_null(wheel_expire(&wheel, now_ms));
	assert_true(wheel_next_ms(&wheel) == WHEEL_NEVER);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(wheel_moves_are_free) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
