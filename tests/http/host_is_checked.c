/* SPDX-License-Identifier: MIT */
#include "http/guard.h"

static const struct {
	int		verdict;
	const char	*host;
} rows[] = {
	{ HTTP_DONE, "a" },
	{ HTTP_DONE, "example.com" },
	{ HTTP_DONE, "EXAMPLE.com." },
	{ HTTP_DONE, "example.com:8080" },
	{ HTTP_DONE, "example.com:" },
	{ HTTP_DONE, "a:0" },
	{ HTTP_DONE, "a:65535" },
	{ HTTP_DONE, "127.0.0.1:1" },
	{ HTTP_DONE, "a_b-c~d" },
	{ HTTP_DONE, "a%2Db" },
	{ HTTP_DONE, "a!$&'()*+,;=" },
	{ HTTP_DONE, "[::1]" },
	{ HTTP_DONE, "[::1]:80" },
	{ HTTP_DONE, "[2001:db8::7]:" },
	{ HTTP_DONE, "[::ffff:127.0.0.1]" },
	{ HTTP_DONE, "[0000:0000:0000:0000:0000:ffff:255.255.255.255]" },
	{ 400, "" },
	{ 400, ":80" },
	{ 400, "a:65536" },
	{ 400, "a:99999999999" },
	{ 400, "a:-1" },
	{ 400, "a:8o" },
	{ 400, "a:80:80" },
	{ 400, "a:80/" },
	{ 400, "user@a" },
	{ 400, "user:pass@a" },
	{ 400, "a b" },
	{ 400, "a, b" },
	{ 400, "a\tb" },
	{ 400, "a/b" },
	{ 400, "http://a" },
	{ 400, "a?b" },
	{ 400, "a#b" },
	{ 400, "a\\b" },
	{ 400, "<a>" },
	{ 400, "\"a\"" },
	{ 400, "a%" },
	{ 400, "a%2" },
	{ 400, "a%zz" },
	{ 400, "\xc3\xa4.com" },
	{ 400, "::1" },
	{ 400, "[::1" },
	{ 400, "[]" },
	{ 400, "[::1]x" },
	{ 400, "[::1]80" },
	{ 400, "[::1%eth0]" },
	{ 400, "[v1.a]" },
	{ 400, "[1.2.3.4]" },
	{ 400, "[:::]" },
	{ 400, "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]" },
	{ 400, "[1:2:3:4:5:6:7:8:9]" },
};

static void each_host_has_its_verdict(void **state)
{
	static const char *lines[] = { "GET / HTTP/1.1", "GET / HTTP/1.0", "GET http://other/ HTTP/1.1" };
	static struct http_head head;
	char request[256];

	for (unsigned i = 0; i < ARRAY_LEN(rows) * ARRAY_LEN(lines); i++) {
		const char *host = rows[i / ARRAY_LEN(lines)].host, *line = lines[i % ARRAY_LEN(lines)];
		int n = snprintf(request, sizeof(request), "%s\r\nHost: %s\r\n\r\n", line, host);
		struct span text = { request, (size_t)n };

		assert_verdict(text, parse(text, &head), rows[i / ARRAY_LEN(lines)].verdict);
		if (rows[i / ARRAY_LEN(lines)].verdict == HTTP_DONE)
			assert_span(head.host, strstr(line, "other") ? "other" : host);
	}
}

TEST_MAIN(each_host_has_its_verdict)
