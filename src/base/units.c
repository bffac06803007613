/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "base/auto.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct unit {
	const char	*name;
	uint64_t	 factor;
};

static const struct unit plain[] = { { "", 1 } };
static const struct unit times[] = {
	{ "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 },
};
static const struct unit sizes[] = { { "G", 1 << 30 }, { "M", 1 << 20 }, { "k", 1 << 10 }, { "", 1 } };

/* Reads all of @text, which is @len bytes. */
static int parse(const char *text, size_t len, const struct unit *units, size_t n_units, uint64_t *ret_value)
{
	uint64_t value = 0;
	size_t i = 0;

	for (; i < len && text[i] >= '0' && text[i] <= '9'; i++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(text[i] - '0'), &value))
			return -ERANGE;
	if (i == 0)
		return -EINVAL;
	for (const struct unit *unit = units; unit < units + n_units; unit++) {
		if (strlen(unit->name) != len - i || memcmp(unit->name, text + i, len - i) != 0)
			continue;
		if (__builtin_mul_overflow(value, unit->factor, &value))
			return -ERANGE;
		*ret_value = value;
		return 0;
	}
	return -EINVAL;
}

/* Reads "A<separator>B", A a number of @units and B a time. */
static int parse_pair(const char *text, const char *separator, const struct unit *units, size_t n_units,
		      uint64_t *ret_a, uint64_t *ret_b)
{
	const char *cut = strstr(text, separator);
	const char *rest;
	uint64_t a, b;
	int r;

	if (!cut)
		return -EINVAL;
	rest = cut + strlen(separator);
	r = parse(text, (size_t)(cut - text), units, n_units, &a);
	if (r == 0)
		r = parse(rest, strlen(rest), times, ARRAY_LEN(times), &b);
	if (r == 0) {
		*ret_a = a;
		*ret_b = b;
	}
	return r;
}

int units_parse_number(const char *text, uint64_t *ret_number)
{
	return parse(text, strlen(text), plain, ARRAY_LEN(plain), ret_number);
}

int units_parse_duration(const char *text, uint64_t *ret_ms)
{
	return parse(text, strlen(text), times, ARRAY_LEN(times), ret_ms);
}

int units_parse_size(const char *text, uint64_t *ret_bytes)
{
	return parse(text, strlen(text), sizes, ARRAY_LEN(sizes), ret_bytes);
}

int units_parse_limit(const char *text, uint64_t *ret_number, uint64_t *ret_window_ms)
{
	return parse_pair(text, "/", plain, ARRAY_LEN(plain), ret_number, ret_window_ms);
}

int units_parse_range(const char *text, uint64_t *ret_from_ms, uint64_t *ret_to_ms)
{
	return parse_pair(text, "..", times, ARRAY_LEN(times), ret_from_ms, ret_to_ms);
}

static void format(uint64_t value, const struct unit *units, char out[UNITS_TEXT_BYTES])
{
	while (value % units->factor != 0 || (value == 0 && units->factor > 1))
		units++;	/* the last unit is 1 */
	snprintf(out, UNITS_TEXT_BYTES, "%" PRIu64 "%s", value / units->factor, units->name);
}

void units_format_duration(uint64_t ms, char out[UNITS_TEXT_BYTES])
{
	format(ms, times, out);
}

void units_format_size(uint64_t bytes, char out[UNITS_TEXT_BYTES])
{
	format(bytes, sizes, out);
}
