/* SPDX-License-Identifier: MIT */
#include "http/guard.h"

#include <stdlib.h>

static struct http_access sound(void)
{
	return (struct http_access){
		.client = SPAN("192.0.2.7"), .time = SPAN("NOW"), .line = SPAN("GET /a?b=c HTTP/1.1"),
		.referer = SPAN("http://r/"), .agent = SPAN("x/1"), .status = 200, .body_bytes = 12,
		.us = 1000123, .slot = 3,
	};
}

static void expect(enum http_access_format format, struct http_access access, const char *expected)
{
	char out[HTTP_ACCESS_BYTES + 1];
	size_t n = http_access_render(out, format, &access);

	assert_true(n <= HTTP_ACCESS_BYTES);
	out[n] = '\0';
	assert_string_equal(out, expected);
}

static void formats(void)
{
	expect(HTTP_ACCESS_COMMON, sound(),
	       "192.0.2.7 - - [NOW] \"GET /a?b=c HTTP/1.1\" 200 12 time=1.000123 slot=3\n");
	expect(HTTP_ACCESS_COMBINED, sound(),
	       "192.0.2.7 - - [NOW] \"GET /a?b=c HTTP/1.1\" 200 12 \"http://r/\" \"x/1\" time=1.000123 slot=3\n");
	expect(HTTP_ACCESS_JSON, sound(),
	       "{\"time\":\"NOW\",\"client\":\"192.0.2.7\",\"request\":\"GET /a?b=c HTTP/1.1\",\"status\":200,\"bytes\":12,"
	       "\"referer\":\"http://r/\",\"agent\":\"x/1\",\"seconds\":1.000123,\"slot\":3}\n");
}

static void what_is_missing(void)
{
	const struct http_access access = { .time = SPAN("NOW"), .status = 408 };

	expect(HTTP_ACCESS_COMBINED, access, "- - - [NOW] \"-\" 408 0 \"-\" \"-\" time=0.000000 slot=0\n");
	expect(HTTP_ACCESS_JSON, access,
	       "{\"time\":\"NOW\",\"client\":\"-\",\"request\":null,\"status\":408,\"bytes\":0,"
	       "\"referer\":null,\"agent\":null,\"seconds\":0.000000,\"slot\":0}\n");
}

/* What a client may send of everything: a new line, an end of the quotes, a byte of no character, an escape. */
static void what_is_sent(void)
{
	struct http_access access = sound();

	access.line = SPAN("a\"b\\c\nd\te\x7f\xff\x80 \x01");
	expect(HTTP_ACCESS_COMMON, access,
	       "192.0.2.7 - - [NOW] \"a\\x22b\\x5Cc\\x0Ad\\x09e\\x7F\\xFF\\x80 \\x01\" 200 12 time=1.000123 slot=3\n");
	access.agent = access.referer = SPAN_NULL;
	expect(HTTP_ACCESS_JSON, access,
	       "{\"time\":\"NOW\",\"client\":\"192.0.2.7\",\"request\":\"a\\\"b\\\\c\\u000Ad\\u0009e\\u007F\\u00FF\\u0080 \\u0001\","
	       "\"status\":200,\"bytes\":12,\"referer\":null,\"agent\":null,\"seconds\":1.000123,\"slot\":3}\n");
}

static unsigned count(const char *at, size_t n, char c)
{
	unsigned found = 0;

	for (size_t i = 0; i < n; i++)
		found += at[i] == c;
	return found;
}

/* Whatever is sent, of any length: one line of ASCII within its bound, and its quotes where they should be. */
static void anything(void)
{
	static char bytes[3][9000];
	char out[HTTP_ACCESS_BYTES + 1];

	srand(1);
	for (unsigned round = 0; round < 20000; round++) {
		enum http_access_format format = (enum http_access_format)(round % 3);
		struct http_access access = sound();
		struct span *fields[] = { &access.line, &access.referer, &access.agent };
		size_t n;

		for (unsigned f = 0; f < 3; f++) {
			size_t len = (size_t)rand() % (round % 10 == 0 ? sizeof(bytes[f]) : 40);

			for (size_t i = 0; i < len; i++)
				bytes[f][i] = (char)(round % 7 == 0 ? 1 : rand());
			*fields[f] = (struct span){ bytes[f], len };
		}
		access.us = access.body_bytes = (uint64_t)rand() << 33 | (uint64_t)rand() << 2;
		n = http_access_render(out, format, &access);
		assert_true(n <= HTTP_ACCESS_BYTES);
		out[n] = '\0';
		assert_int_equal(count(out, n, '\n'), 1);
		assert_int_equal(out[n - 1], '\n');
		for (size_t i = 0; i < n - 1; i++)
			assert_in_range((unsigned char)out[i], ' ', '~');
		if (format != HTTP_ACCESS_JSON)
			assert_int_equal(count(out, n, '"'), format == HTTP_ACCESS_COMBINED ? 6 : 2);
	}
}

static void times(void)
{
	char out[HTTP_ACCESS_TIME_BYTES];

	http_access_time(out, HTTP_ACCESS_COMMON, 971211336);
	assert_string_equal(out, "10/Oct/2000:20:55:36 +0000");
	assert_int_equal(http_access_time(out, HTTP_ACCESS_JSON, 971211336), 20);
	assert_string_equal(out, "2000-10-10T20:55:36Z");
}

static void access_lines_table(void **state)
{
	formats();
	what_is_missing();
	what_is_sent();
	anything();
	times();
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(access_lines_table) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
