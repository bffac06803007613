/* SPDX-License-Identifier: MIT */
/* guard.h - what the tests of this room share: bytes whose end is the end of the world, and a parse */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/auto.h"
#include "http/grammar.h"

#include <stdio.h>
#include <sys/mman.h>

#define GUARDED_BYTES_MAX (1 << 18)

/* For a static table, where a compound literal is not constant. */
#define TEXT(literal) { (literal), sizeof(literal) - 1 }

static const struct http_limits usual_limits = { 16384, 8192, HTTP_FIELDS_MAX, 1 << 20 };

/* A copy of @bytes behind which nothing can be read; valid until the next call. */
static inline struct span guarded(struct span bytes)
{
	static char *end;

	if (!end) {
		char *at = mmap(NULL, GUARDED_BYTES_MAX + 4096, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		assert_ptr_not_equal(at, MAP_FAILED);
		end = at + GUARDED_BYTES_MAX;
		assert_int_equal(mprotect(end, 4096, PROT_NONE), 0);
	}
	assert_true(bytes.len <= GUARDED_BYTES_MAX);
	if (bytes.len > 0)
		memcpy(end - bytes.len, bytes.at, bytes.len);
	return (struct span){ end - bytes.len, bytes.len };
}

static inline struct span prefix(struct span text, size_t len)
{
	return (struct span){ text.at, len };
}

/* The verdict on the whole, after every shorter prefix was found to say MORE or that same verdict. */
static inline int parse_bytewise(struct span text, const struct http_limits *limits,
				 struct http_head *ret_head)
{
	int first = HTTP_MORE, whole;

	for (size_t n = 0; n <= text.len && first == HTTP_MORE; n++)
		first = http_head_parse(guarded(prefix(text, n)), limits, ret_head);
	whole = http_head_parse(guarded(text), limits, ret_head);
	assert_int_equal(first, whole);
	return whole;
}

static inline int parse(struct span text, struct http_head *ret_head)
{
	return parse_bytewise(text, &usual_limits, ret_head);
}

static inline void assert_span(struct span got, const char *want)
{
	if (!span_equal(got, span_of(want)))
		fail_msg("got \"%.*s\", want \"%s\"", (int)got.len, got.at ? got.at : "", want);
}

static inline void assert_verdict(struct span request, int got, int want)
{
	if (got != want)
		fail_msg("%d instead of %d for: %.*s", got, want, (int)request.len, request.at);
}

/* Runs one test function as a program. */
#define TEST_MAIN(function)							\
	int main(void)								\
	{									\
		const struct CMUnitTest tests[] = { cmocka_unit_test(function) };	\
										\
		http_scan_init();						\
		return cmocka_run_group_tests(tests, NULL, NULL);		\
	}
