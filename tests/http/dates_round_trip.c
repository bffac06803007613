/* SPDX-License-Identifier: MIT */
#include "http/guard.h"

static const int64_t year_0 = -62167219200, year_9999 = 253402300799;

static void check(time_t when)
{
	char ours[HTTP_DATE_LEN], theirs[64];
	struct tm tm;
	time_t back;

	http_date_format(when, ours);
	assert_true(http_date_parse((struct span){ ours, HTTP_DATE_LEN }, &back));
	assert_int_equal(back, when);
	gmtime_r(&when, &tm);
	if (tm.tm_year + 1900 < 1000)	/* strftime writes fewer digits */
		return;
	strftime(theirs, sizeof(theirs), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	assert_memory_equal(ours, theirs, HTTP_DATE_LEN);
}

static void every_day_of_ten_thousand_years(void **state)
{
	for (int64_t when = year_0; when <= year_9999; when += 86400 + 61)
		check(when);
	check(0);
	check(-1);
	check(951782400);		/* 29 February 2000 */
	check(4107542400);		/* 1 March 2100 */
	check(year_9999);
}

static void beyond_four_digits_is_cut(void **state)
{
	char out[HTTP_DATE_LEN];

	http_date_format(year_9999 + 1, out);
	assert_memory_equal(out, "Fri, 31 Dec 9999 23:59:59 GMT", HTTP_DATE_LEN);
	http_date_format(INT64_MAX, out);
	assert_memory_equal(out, "Fri, 31 Dec 9999 23:59:59 GMT", HTTP_DATE_LEN);
	http_date_format(INT64_MIN, out);
	assert_memory_equal(out, "Sat, 01 Jan 0000 00:00:00 GMT", HTTP_DATE_LEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_day_of_ten_thousand_years),
		cmocka_unit_test(beyond_four_digits_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
