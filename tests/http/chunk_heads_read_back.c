/* SPDX-License-Identifier: MIT */
#include "http/guard.h"

static void check(uint64_t len)
{
	char out[18], want[32];

	snprintf(want, sizeof(want), "%llx\r\n", (unsigned long long)len);
	assert_span((struct span){ out, http_chunk_head(out, len) }, want);
}

static void every_size_is_written_in_hex(void **state)
{
	for (uint64_t len = 0; len < 70000; len++)
		check(len);
	for (unsigned bit = 0; bit < 64; bit++) {
		check((uint64_t)1 << bit);
		check(((uint64_t)1 << bit) - 1);
	}
	check(UINT64_MAX);
}

TEST_MAIN(every_size_is_written_in_hex)
