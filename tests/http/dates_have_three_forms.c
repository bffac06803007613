/* SPDX-License-Identifier: MIT */
#include "http/guard.h"

static const struct {
	const char	*text;
	int64_t		when;
} good[] = {
	{ "Sun, 06 Nov 1994 08:49:37 GMT", 784111777 },
	{ "Sunday, 06-Nov-94 08:49:37 GMT", 784111777 },
	{ "Sun Nov  6 08:49:37 1994", 784111777 },
	{ "Sun Nov 16 08:49:37 1994", 784975777 },
	{ "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
	{ "Wed, 31 Dec 1969 23:59:59 GMT", -1 },
	{ "Thursday, 01-Jan-26 00:00:00 GMT", 1767225600 },
	{ "Friday, 01-Jan-99 00:00:00 GMT", 915148800 },
	{ "Tue, 29 Feb 2000 00:00:00 GMT", 951782400 },
	{ "Sat, 31 Dec 2016 23:59:60 GMT", 1483228800 },
};

static const char *const bad[] = {
	"", "0", "784111777", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC",
	"Sun, 06 Nov 1994 08:49:37 GMT ", " Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT",
	"sun, 06 nov 1994 08:49:37 gmt", "Xxx, 06 Nov 1994 08:49:37 GMT", "Xxx Nov  6 08:49:37 1994",
	"Sun, 06 Xxx 1994 08:49:37 GMT",
	"Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 31 Nov 1994 08:49:37 GMT", "Sun, 29 Feb 1994 08:49:37 GMT",
	"Thu, 29 Feb 1900 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:00 GMT",
	"Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 06 Nov 94 08:49:37 GMT", "Sun, 06-Nov-1994 08:49:37 GMT",
	"Sun, 06-Nov-94 08:49:37 GMT", "Someday, 06-Nov-94 08:49:37 GMT", "Sunday, 06-Nov-1994 08:49:37 GMT",
	"Sunday,06-Nov-94 08:49:37 GMT", "Sun Nov 6 08:49:37 1994", "Sun Nov 06 08:49:37 94",
	"Sun, 06 Nov +994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 +00",
};

static void each_form_is_read(void **state)
{
	time_t when;

	for (unsigned i = 0; i < ARRAY_LEN(good); i++) {
		assert_true(http_date_parse(guarded(span_of(good[i].text)), &when));
		assert_int_equal(when, good[i].when);
	}
}

static void anything_else_is_not_a_date(void **state)
{
	time_t when;

	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		if (http_date_parse(guarded(span_of(bad[i])), &when))
			fail_msg("taken for a date: %s", bad[i]);
	}
	assert_false(http_date_parse(SPAN_NULL, &when));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_form_is_read),
		cmocka_unit_test(anything_else_is_not_a_date),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
