/* SPDX-License-Identifier: MIT */
/* jitter - what begins together is not to end together */
#pragma once

#include <stdint.h>
#include <sys/random.h>
#include <unistd.h>

static inline uint64_t jitter_up_to_a_tenth_less(uint64_t limit)
{
	uint32_t random;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		random = (uint32_t)getpid() * 2654435761u;
	return limit - (uint64_t)((double)limit / 10 * random / UINT32_MAX);
}
