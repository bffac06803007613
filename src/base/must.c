/* SPDX-License-Identifier: MIT */
#include "base/must.h"

#include <stdio.h>
#include <stdlib.h>

void must_fail(const char *invariant, const char *file, int line)
{
	fprintf(stderr, "brood: broken invariant: %s (%s:%d)\n", invariant, file, line);
	abort();
}
