/* SPDX-License-Identifier: MIT */
#include "base/auto.h"
#include "base/units.h"
#include "check.h"

#include <errno.h>
#include <stdint.h>

struct row {
	int		(*parse)(const char *text, uint64_t *ret_value);
	const char	*text;
	int		 r;
	uint64_t	 value;
};

static const struct row rows[] = {
	{ units_parse_number,	"0", 0, 0 },
	{ units_parse_number,	"512", 0, 512 },
	{ units_parse_number,	"18446744073709551615", 0, UINT64_MAX },
	{ units_parse_number,	"18446744073709551616", -ERANGE, 0 },
	{ units_parse_number,	"", -EINVAL, 0 },
	{ units_parse_number,	"-1", -EINVAL, 0 },
	{ units_parse_number,	"+1", -EINVAL, 0 },
	{ units_parse_number,	" 1", -EINVAL, 0 },
	{ units_parse_number,	"1 ", -EINVAL, 0 },
	{ units_parse_number,	"0x10", -EINVAL, 0 },
	{ units_parse_number,	"1s", -EINVAL, 0 },
	{ units_parse_duration,	"250ms", 0, 250 },
	{ units_parse_duration,	"9s", 0, 9000 },
	{ units_parse_duration,	"2m", 0, 120000 },
	{ units_parse_duration,	"1h", 0, 3600000 },
	{ units_parse_duration,	"1d", 0, 86400000 },
	{ units_parse_duration,	"0s", 0, 0 },
	{ units_parse_duration,	"9", -EINVAL, 0 },
	{ units_parse_duration,	"9 s", -EINVAL, 0 },
	{ units_parse_duration,	"9S", -EINVAL, 0 },
	{ units_parse_duration,	"9sec", -EINVAL, 0 },
	{ units_parse_duration,	"s", -EINVAL, 0 },
	{ units_parse_duration,	"1.5s", -EINVAL, 0 },
	{ units_parse_duration,	"18446744073709551615s", -ERANGE, 0 },
	{ units_parse_size,	"512", 0, 512 },
	{ units_parse_size,	"64k", 0, 65536 },
	{ units_parse_size,	"8M", 0, 8388608 },
	{ units_parse_size,	"2G", 0, 2147483648 },
	{ units_parse_size,	"8MB", -EINVAL, 0 },
	{ units_parse_size,	"8m", -EINVAL, 0 },
	{ units_parse_size,	"17179869184G", -ERANGE, 0 },
};

static void single_values(void)
{
	for (const struct row *row = rows; row < rows + ARRAY_LEN(rows); row++) {
		uint64_t value = 4711;
		int r = row->parse(row->text, &value);

		if (r != row->r || value != (r == 0 ? row->value : 4711))
			fprintf(stderr, "row \"%s\": ", row->text);
		check_equal(r, row->r);
		check(value == (r == 0 ? row->value : 4711));
	}
}

static void pairs(void)
{
	static const char *const wrong[] = { "5", "5/", "/10s", "5/10", "5/10s/", "5..10s", "" };
	uint64_t a = 1, b = 2;

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		check(units_parse_limit(wrong[i], &a, &b) == -EINVAL && a == 1 && b == 2);
	check(units_parse_limit("5/10s", &a, &b) == 0 && a == 5 && b == 10000);
	check(units_parse_range("100ms..10s", &a, &b) == 0 && a == 100 && b == 10000);
	check(units_parse_range("100ms.10s", &a, &b) == -EINVAL);
	check(units_parse_range("100ms..", &a, &b) == -EINVAL);
	check(units_parse_range("100..10s", &a, &b) == -EINVAL);
}

static void written_as_read(void)
{
	static const char *const times[] = { "1ms", "1500ms", "9s", "75s", "2m", "25h", "1d" };
	static const char *const sizes[] = { "0", "1", "1500", "16k", "8M", "1G" };
	char text[UNITS_TEXT_BYTES];
	uint64_t value;

	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		check(units_parse_duration(times[i], &value) == 0);
		units_format_duration(value, text);
		check_text(text, times[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		check(units_parse_size(sizes[i], &value) == 0);
		units_format_size(value, text);
		check_text(text, sizes[i]);
	}
}

int main(void)
{
	single_values();
	pairs();
	written_as_read();
	return 0;
}
