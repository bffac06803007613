/* SPDX-License-Identifier: MIT */
/*
 * date - RFC 9110 5.6.7
 *
 * The calendar is counted here and not by gmtime(), which takes the time zone lock and may read a
 * file. Days are counted from 1 March of year 0, so that the leap day is the last of its year.
 */
#include "http/grammar.h"

#define DAY_SECONDS 86400
#define ERA_DAYS 146097			/* 400 years */
#define EPOCH_DAYS 719468		/* 1 March 0000 to 1 January 1970 */
#define YEAR_0_SECONDS -62167219200	/* 1 January 0000, what four digits can say */
#define YEAR_9999_SECONDS 253402300799	/* its last second */

/* Two digits carry no century and we carry no clock: from here on they mean 19xx, below 20xx. */
#define CENTURY_PIVOT 77

static const char day_names[] = "SunMonTueWedThuFriSat";
static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const struct span long_day_names[] = {
	SPAN("Sunday"), SPAN("Monday"), SPAN("Tuesday"), SPAN("Wednesday"), SPAN("Thursday"), SPAN("Friday"),
	SPAN("Saturday"),
};

struct civil {
	int	year;
	int	month;		/* 1..12 */
	int	day;		/* 1..31 */
	int	hour;
	int	minute;
	int	second;		/* 60 in a leap second */
};

static int64_t count_days(int year, int month, int day)
{
	int y = year - (month <= 2);
	int era = (y >= 0 ? y : y - 399) / 400;
	int of_era = y - era * 400;
	int of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return (int64_t)era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - EPOCH_DAYS;
}

static void split_days(int64_t days, struct civil *ret_civil)
{
	int64_t shifted = days + EPOCH_DAYS;
	int64_t era = (shifted >= 0 ? shifted : shifted - ERA_DAYS + 1) / ERA_DAYS;
	int of_era = (int)(shifted - era * ERA_DAYS);
	int year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int of_year = of_era - (365 * year + year / 4 - year / 100);
	int month = (5 * of_year + 2) / 153;

	ret_civil->day = of_year - (153 * month + 2) / 5 + 1;
	ret_civil->month = month < 10 ? month + 3 : month - 9;
	ret_civil->year = year + (int)era * 400 + (ret_civil->month <= 2);
}

static void put_two(char *out, int value)
{
	out[0] = (char)('0' + value / 10);
	out[1] = (char)('0' + value % 10);
}

void http_date_format(time_t when, char out[HTTP_DATE_LEN])
{
	struct civil civil;
	int64_t days;
	int second, weekday;

	/* a file may carry any time; the nearest that can be said is better than a broken field */
	if (when < YEAR_0_SECONDS)
		when = YEAR_0_SECONDS;
	if (when > YEAR_9999_SECONDS)
		when = YEAR_9999_SECONDS;
	days = when / DAY_SECONDS - (when % DAY_SECONDS < 0);
	second = (int)(when - days * DAY_SECONDS);
	weekday = (int)(((days + 4) % 7 + 7) % 7);
	split_days(days, &civil);

	memcpy(out, "xxx, 00 xxx 0000 00:00:00 GMT", HTTP_DATE_LEN);
	memcpy(out, day_names + weekday * 3, 3);
	put_two(out + 5, civil.day);
	memcpy(out + 8, month_names + (civil.month - 1) * 3, 3);
	put_two(out + 12, civil.year / 100);
	put_two(out + 14, civil.year % 100);
	put_two(out + 17, second / 3600);
	put_two(out + 20, second / 60 % 60);
	put_two(out + 23, second % 60);
}

/* Return: which of the names of three letters @at is, or -1. */
static int find_name(const char *names, const char *at)
{
	for (int i = 0; names[i]; i += 3) {
		if (memcmp(names + i, at, 3) == 0)
			return i / 3;
	}
	return -1;
}

/* Does @text look like @shape, where '0' is any digit, '_' a digit or space, 'x' anything? */
static bool fits_shape(struct span text, struct span shape)
{
	if (text.len != shape.len)
		return false;
	for (size_t i = 0; i < shape.len; i++) {
		char c = text.at[i], s = shape.at[i];
		bool digit = char_is_digit(c);

		if (s == '0' ? !digit : s == '_' ? !digit && c != ' ' : s != 'x' && s != c)
			return false;
	}
	return true;
}

static int read_two(const char *at)
{
	return (at[0] == ' ' ? 0 : at[0] - '0') * 10 + at[1] - '0';
}

static void read_clock(const char *at, struct civil *ret_civil)
{
	ret_civil->hour = read_two(at);
	ret_civil->minute = read_two(at + 3);
	ret_civil->second = read_two(at + 6);
}

static bool read_imf(struct span text, struct civil *ret_civil)
{
	if (!fits_shape(text, SPAN("xxx, 00 xxx 0000 00:00:00 GMT")))
		return false;
	if (find_name(day_names, text.at) < 0)
		return false;
	ret_civil->day = read_two(text.at + 5);
	ret_civil->month = find_name(month_names, text.at + 8) + 1;
	ret_civil->year = read_two(text.at + 12) * 100 + read_two(text.at + 14);
	read_clock(text.at + 17, ret_civil);
	return true;
}

static bool read_asctime(struct span text, struct civil *ret_civil)
{
	if (!fits_shape(text, SPAN("xxx xxx _0 00:00:00 0000")))
		return false;
	if (find_name(day_names, text.at) < 0)
		return false;
	ret_civil->month = find_name(month_names, text.at + 4) + 1;
	ret_civil->day = read_two(text.at + 8);
	read_clock(text.at + 11, ret_civil);
	ret_civil->year = read_two(text.at + 20) * 100 + read_two(text.at + 22);
	return true;
}

static bool is_long_day(struct span name)
{
	for (unsigned i = 0; i < 7; i++) {
		if (span_equal(name, long_day_names[i]))
			return true;
	}
	return false;
}

static bool read_rfc850(struct span text, struct civil *ret_civil)
{
	const char *comma = text.len > 0 ? memchr(text.at, ',', text.len) : NULL;
	size_t name = comma ? (size_t)(comma - text.at) : 0;
	struct span rest;
	int year;

	if (!is_long_day((struct span){ text.at, name }))
		return false;
	rest = span_skip(text, name);
	if (!fits_shape(rest, SPAN(", 00-xxx-00 00:00:00 GMT")))
		return false;
	year = read_two(rest.at + 9);
	ret_civil->day = read_two(rest.at + 2);
	ret_civil->month = find_name(month_names, rest.at + 5) + 1;
	ret_civil->year = year + (year >= CENTURY_PIVOT ? 1900 : 2000);
	read_clock(rest.at + 12, ret_civil);
	return true;
}

static bool civil_valid(const struct civil *civil)
{
	static const uint8_t days[13] = { 0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = civil->year % 4 == 0 && (civil->year % 100 != 0 || civil->year % 400 == 0);

	if (civil->month < 1 || civil->day < 1)
		return false;
	if (civil->day > days[civil->month] + (leap && civil->month == 2))
		return false;
	return civil->hour < 24 && civil->minute < 60 && civil->second <= 60;
}

bool http_date_parse(struct span text, time_t *ret_when)
{
	struct civil civil;
	int64_t days;

	if (!read_imf(text, &civil) && !read_asctime(text, &civil) && !read_rfc850(text, &civil))
		return false;
	if (!civil_valid(&civil))
		return false;
	days = count_days(civil.year, civil.month, civil.day);
	*ret_when = days * DAY_SECONDS + civil.hour * 3600 + civil.minute * 60 + civil.second;
	return true;
}
