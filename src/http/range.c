/* SPDX-License-Identifier: MIT */
/*
 * range - which bytes of a representation were asked for (RFC 9110 section 14)
 *
 * Ranges are a courtesy: whenever the field is wrong, or asks for what costs more than the whole, it
 * is ignored and the whole is sent. "bytes=0-,0-,0-,..." must not make a small request a large
 * answer, so ranges that overlap, that add up to more than the whole, or that are mostly tiny are not
 * honoured (14.2).
 */
#include "http/grammar.h"

#include <errno.h>

#define OVERLAPS_MAX	2
#define TINY_BYTES	32
#define TINY_MAX	8

enum { UNSATISFIABLE, SATISFIABLE, SENSELESS };

/* As http_decimal(), but what does not fit is as large as can be said. */
static int read_position(struct span digits, uint64_t *ret_position)
{
	int r = http_decimal(digits, ret_position);

	if (r == -ERANGE) {
		*ret_position = UINT64_MAX;
		return 0;
	}
	return r;
}

static int cut_suffix(struct span digits, uint64_t size, struct http_range *ret_range)
{
	uint64_t len;

	if (read_position(digits, &len) < 0)
		return -EINVAL;
	if (len == 0)
		return UNSATISFIABLE;
	if (size == 0)
		return SENSELESS;	/* all of nothing: right, but no Content-Range can say it */
	ret_range->first = len < size ? size - len : 0;
	ret_range->last = size - 1;
	return SATISFIABLE;
}

static int cut_range(struct span spec, uint64_t size, struct http_range *ret_range)
{
	const char *dash = memchr(spec.at, '-', spec.len);
	uint64_t first, last = UINT64_MAX;
	struct span before, after;

	if (!dash)
		return -EINVAL;
	before = (struct span){ spec.at, (size_t)(dash - spec.at) };
	after = span_skip(spec, before.len + 1);
	if (before.len == 0)
		return cut_suffix(after, size, ret_range);
	if (read_position(before, &first) < 0)
		return -EINVAL;
	if (after.len > 0 && read_position(after, &last) < 0)
		return -EINVAL;
	if (last < first)
		return -EINVAL;
	if (first >= size)
		return UNSATISFIABLE;
	*ret_range = (struct http_range){ first, last < size ? last : size - 1 };
	return SATISFIABLE;
}

static bool overlaps_any(const struct http_range *ranges, unsigned n, struct http_range range)
{
	for (unsigned i = 0; i < n; i++) {
		if (range.first <= ranges[i].last && ranges[i].first <= range.last)
			return true;
	}
	return false;
}

static bool is_reasonable(const struct http_range *ranges, unsigned n, uint64_t size)
{
	unsigned overlaps = 0, tiny = 0;
	uint64_t left = size, len;

	for (unsigned i = 0; i < n; i++) {
		len = ranges[i].last - ranges[i].first + 1;
		if (len > left)
			return false;
		left -= len;
		overlaps += overlaps_any(ranges, i, ranges[i]);
		tiny += len < TINY_BYTES;
	}
	return overlaps <= OVERLAPS_MAX && tiny <= TINY_MAX;
}

/* Takes "bytes=" off the front. */
static bool take_unit(struct span *value)
{
	static const struct span unit = SPAN("bytes=");

	if (value->len < unit.len || !span_equal_nocase((struct span){ value->at, unit.len }, unit))
		return false;
	*value = span_skip(*value, unit.len);
	return true;
}

int http_range_parse(struct span value, uint64_t size, struct http_range ranges[HTTP_RANGES_MAX])
{
	unsigned n = 0, n_asked = 0;
	bool senseless = false;
	struct span spec;
	int r;

	if (!take_unit(&value))
		return 0;
	while (http_list_next(&value, &spec)) {
		if (spec.len == 0)
			continue;
		if (n_asked++ == HTTP_RANGES_MAX)
			return 0;
		r = cut_range(spec, size, &ranges[n]);
		if (r < 0)
			return 0;
		n += r == SATISFIABLE;
		senseless = senseless || r == SENSELESS;
	}
	if (n_asked == 0 || senseless)
		return 0;
	if (n == 0)
		return -ERANGE;
	return is_reasonable(ranges, n, size) ? (int)n : 0;
}
