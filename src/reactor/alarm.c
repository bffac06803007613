/* SPDX-License-Identifier: MIT */
/* alarm - a function called at a time */
#include "reactor/reactor.h"

void reactor_alarm(struct reactor *reactor, struct alarm *alarm, uint64_t at_ms)
{
	wheel_set(&reactor->alarms, &alarm->timer, at_ms);
}

uint64_t reactor_next_ms(const struct reactor *reactor)
{
	return wheel_next_ms(&reactor->alarms);
}

void reactor_expire(struct reactor *reactor)
{
	struct timer *timer;

	while ((timer = wheel_expire(&reactor->alarms, reactor->engine->now_ms)) != NULL) {
		struct alarm *alarm = container_of(timer, struct alarm, timer);

		alarm->fn(alarm->arg);
	}
}
