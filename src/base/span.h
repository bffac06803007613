/* SPDX-License-Identifier: MIT */
/* span - bytes that someone else owns */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct span {
	const char	*at;
	size_t		 len;
};

#define SPAN_NULL ((struct span){ NULL, 0 })
#define SPAN(literal) ((struct span){ (literal), sizeof(literal) - 1 })

static inline struct span span_of(const char *text)
{
	return (struct span){ text, strlen(text) };
}

static inline bool span_equal(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

/* ASCII letters compare without case. */
static inline bool span_equal_nocase(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || strncasecmp(a.at, b.at, a.len) == 0);
}

/* @n must not exceed the length. */
static inline struct span span_skip(struct span s, size_t n)
{
	return (struct span){ s.at + n, s.len - n };
}
