/* SPDX-License-Identifier: MIT */
/* workers - who answered, by pid: a hash table that never forgets */
#include "openloop.h"

#include <err.h>

struct worker *workers_find(struct workers *workers, uint32_t pid)
{
	uint32_t at = pid * UINT32_C(2654435761) % WORKERS_MAX;

	while (workers->places[at].pid != pid && workers->places[at].pid != 0)
		at = (at + 1) % WORKERS_MAX;
	if (workers->places[at].pid == 0) {
		if (++workers->n == WORKERS_MAX)
			errx(1, "more than %d workers answered", WORKERS_MAX - 1);
		workers->places[at].pid = pid;
	}
	return &workers->places[at];
}
