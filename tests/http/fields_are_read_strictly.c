/* SPDX-License-Identifier: MIT */
#include "http/guard.h"

static struct http_head head;

static int parse_with(struct span lines)
{
	char request[512];
	int n = snprintf(request, sizeof(request), "GET / HTTP/1.1\r\nHost: a\r\n");

	memcpy(request + n, lines.at, lines.len);
	memcpy(request + n + lines.len, "\r\n", 2);
	return parse((struct span){ request, (size_t)n + lines.len + 2 }, &head);
}

static void malformed_lines_are_400(void **state)
{
	static const struct span lines[] = {
		TEXT("X : y\r\n"), TEXT("X\t: y\r\n"), TEXT(": y\r\n"), TEXT(" X: y\r\n"), TEXT("\tX: y\r\n"),
		TEXT("X\r\n"), TEXT("X y\r\n"), TEXT("X(: y\r\n"), TEXT("\"X\": y\r\n"), TEXT("X/Y: z\r\n"),
		TEXT("X\xc3\xa4: y\r\n"), TEXT("X\x7f: y\r\n"), TEXT("X\0Y: z\r\n"), TEXT("X;: y\r\n"),
		TEXT("X[]: y\r\n"), TEXT("X: y\n"), TEXT("X: y\r"), TEXT("X: y\n\r\n"), TEXT("X: a\rb\r\n"),
		TEXT("X: a\0b\r\n"), TEXT("X: a\x7f\r\n"), TEXT("X: y\r\n z\r\n"), TEXT("X: y\r\n\tz\r\n"),
		TEXT("X: y\r\n \r\n"), TEXT("X:\r\n y\r\n"), TEXT("X: y\r\r\n"), TEXT("X: \r y\r\n"),
	};

	for (unsigned i = 0; i < ARRAY_LEN(lines); i++)
		assert_verdict(lines[i], parse_with(lines[i]), 400);
}

static void control_characters_are_400(void **state)
{
	char line[] = "X: a-b\r\n", name[] = "X-Y: a\r\n";

	for (int c = 0; c < 256; c++) {
		bool control = (c < 0x20 && c != '\t') || c == 0x7f;

		line[4] = name[1] = (char)c;
		assert_int_equal(parse_with(SPAN(line)), control ? 400 : HTTP_DONE);
		if (c == ':')
			continue;
		assert_int_equal(parse_with(SPAN(name)), char_is((char)c, CHAR_TOKEN) ? HTTP_DONE : 400);
	}
}

static void values_are_trimmed(void **state)
{
	const struct span lines = SPAN("X: \t \r\nY:z\r\nZ:\t a\tb \r\n!#$%&'*+-.^_`|~0: \xc3\xa4\r\n");

	assert_int_equal(parse_with(lines), HTTP_DONE);
	assert_int_equal(head.n_fields, 5);
	assert_span(head.fields[1].value, "");
	assert_span(head.fields[2].value, "z");
	assert_span(head.fields[3].value, "a\tb");
	assert_span(head.fields[4].name, "!#$%&'*+-.^_`|~0");
	assert_span(head.fields[4].value, "\xc3\xa4");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(malformed_lines_are_400),
		cmocka_unit_test(control_characters_are_400),
		cmocka_unit_test(values_are_trimmed),
	};

	http_scan_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
