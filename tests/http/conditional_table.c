/* SPDX-License-Identifier: MIT */
#include "http/guard.h"

#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define EXACT "Sun, 06 Nov 1994 08:49:37 GMT"
#define AFTER "Sun, 06 Nov 1994 08:49:38 GMT"

/* The representation is "a", last modified at EXACT. */
static const struct {
	int		status;
	const char	*fields;
} rows[] = {
	{ 200, "" },
	{ 200, "Range: bytes=0-1\r\n" },
	{ 304, "If-None-Match: \"a\"\r\n" },
	{ 304, "if-none-match: W/\"a\"\r\n" },
	{ 304, "If-None-Match: \"x\", \"a\"\r\n" },
	{ 304, "If-None-Match: *\r\n" },
	{ 304, "If-None-Match: \"x\"\r\nIf-None-Match: \"a\"\r\n" },
	{ 200, "If-None-Match: \"x\"\r\n" },
	{ 200, "If-None-Match: nonsense\r\n" },
	{ 304, "If-Modified-Since: " EXACT "\r\n" },
	{ 304, "If-Modified-Since: " AFTER "\r\n" },
	{ 304, "If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT\r\n" },
	{ 200, "If-Modified-Since: " BEFORE "\r\n" },
	{ 200, "If-Modified-Since: yesterday\r\n" },
	{ 200, "If-Modified-Since: " EXACT "\r\nIf-Modified-Since: " EXACT "\r\n" },
	{ 200, "If-None-Match: \"x\"\r\nIf-Modified-Since: " EXACT "\r\n" },
	{ 304, "If-None-Match: \"a\"\r\nIf-Modified-Since: " BEFORE "\r\n" },
	{ 200, "If-Match: \"a\"\r\n" },
	{ 200, "If-Match: *\r\n" },
	{ 412, "If-Match: \"x\"\r\n" },
	{ 412, "If-Match: W/\"a\"\r\n" },
	{ 200, "If-Match: \"x\"\r\nIf-Match: \"a\"\r\n" },
	{ 412, "If-Match: \"x\"\r\nIf-None-Match: \"a\"\r\n" },
	{ 304, "If-Match: \"a\"\r\nIf-None-Match: \"a\"\r\n" },
	{ 200, "If-Unmodified-Since: " EXACT "\r\n" },
	{ 200, "If-Unmodified-Since: " AFTER "\r\n" },
	{ 412, "If-Unmodified-Since: " BEFORE "\r\n" },
	{ 200, "If-Unmodified-Since: tomorrow\r\n" },
	{ 200, "If-Match: \"a\"\r\nIf-Unmodified-Since: " BEFORE "\r\n" },
	{ 412, "If-Unmodified-Since: " BEFORE "\r\nIf-None-Match: \"a\"\r\n" },
	{ 304, "If-Unmodified-Since: " EXACT "\r\nIf-Modified-Since: " EXACT "\r\n" },
};

static int judge(const char *fields, struct span etag, time_t modified)
{
	static struct http_head head;
	char request[512];
	int n = snprintf(request, sizeof(request), "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);

	assert_int_equal(parse((struct span){ request, (size_t)n }, &head), HTTP_DONE);
	return http_conditional(&head, etag, modified);
}

static void each_condition_has_its_answer(void **state)
{
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
		assert_verdict(span_of(rows[i].fields), judge(rows[i].fields, SPAN("\"a\""), 784111777),
			       rows[i].status);
}

static void without_a_date_dates_are_ignored(void **state)
{
	assert_int_equal(judge("If-Modified-Since: " AFTER "\r\n", SPAN("\"a\""), -1), 200);
	assert_int_equal(judge("If-Unmodified-Since: " BEFORE "\r\n", SPAN("\"a\""), -1), 200);
	assert_int_equal(judge("If-None-Match: \"a\"\r\n", SPAN_NULL, -1), 200);
	assert_int_equal(judge("If-Match: \"a\"\r\n", SPAN_NULL, -1), 412);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_condition_has_its_answer),
		cmocka_unit_test(without_a_date_dates_are_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
