/* SPDX-License-Identifier: MIT */
#include "base/stamp.h"

#include <stdio.h>
#include <time.h>

void stamp_now(char out[STAMP_BYTES])
{
	struct timespec now;
	struct tm utc;
	size_t len;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	len = strftime(out, STAMP_BYTES, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(out + len, STAMP_BYTES - len, ".%03ldZ", now.tv_nsec / 1000000);
}
