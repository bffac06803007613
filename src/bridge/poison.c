/* SPDX-License-Identifier: MIT */
#include "bridge/poison.h"

#include <stdbool.h>

/* FNV-1a: short, and good enough for a list of sixteen. */
#define FNV_BASIS 0xcbf29ce484222325u
#define FNV_PRIME 0x100000001b3u

uint64_t poison_fingerprint(const char *line, size_t len)
{
	uint64_t hash = FNV_BASIS;
	bool in_target = false;

	for (size_t i = 0; i < len; i++) {
		if (in_target && (line[i] == ' ' || line[i] == '?'))
			break;
		in_target |= line[i] == ' ';
		hash = (hash ^ (unsigned char)line[i]) * FNV_PRIME;
	}
	return hash ? hash : 1;
}
