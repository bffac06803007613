/* SPDX-License-Identifier: MIT */
/* usage - what a process has taken of the machine */
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct usage {
	double		cpu_s;		/* of all its life */
	uint64_t	rss_bytes;	/* what it shares included */
};

/* All 0 when the process is gone, or /proc does not tell. */
void usage_read(pid_t pid, struct usage *ret_usage);
