/* SPDX-License-Identifier: MIT */
#include "http/guard.h"

static const struct {
	const char	*method;
	const char	*target;
	const char	*path;		/* NULL: 400 */
	const char	*query;
	const char	*host;
} rows[] = {
	{ "GET", "/", "/", "", "h" },
	{ "GET", "/a/b.c", "/a/b.c", "", "h" },
	{ "GET", "/a?b", "/a", "b", "h" },
	{ "GET", "/a?", "/a", "", "h" },
	{ "GET", "/?a?b", "/", "a?b", "h" },
	{ "GET", "//a", "//a", "", "h" },
	{ "GET", "/a|b{c}^`\"<>\\", "/a|b{c}^`\"<>\\", "", "h" },
	{ "GET", "/a%2fb%zz", "/a%2fb%zz", "", "h" },
	{ "OPTIONS", "*", "*", "", "h" },
	{ "OPTIONS", "/", "/", "", "h" },
	{ "GET", "http://a/b?c", "/b", "c", "a" },
	{ "GET", "http://a", "/", "", "a" },
	{ "GET", "http://a?b", "/", "b", "a" },
	{ "GET", "http://a:80", "/", "", "a:80" },
	{ "GET", "HTTP://A/", "/", "", "A" },
	{ "GET", "https://a:443/b", "/b", "", "a:443" },
	{ "GET", "http://[::1]:80/", "/", "", "[::1]:80" },
	{ "GET", "http://a/@", "/@", "", "a" },
	{ "PUT", "http://a/http://b/", "/http://b/", "", "a" },

	{ "GET", "*", NULL, NULL, NULL },
	{ "OPTIONS", "**", NULL, NULL, NULL },
	{ "OPTIONS", "*/", NULL, NULL, NULL },
	{ "GET", "a", NULL, NULL, NULL },
	{ "GET", "?a", NULL, NULL, NULL },
	{ "GET", "a:80", NULL, NULL, NULL },
	{ "GET", "h", NULL, NULL, NULL },
	{ "GET", "http:", NULL, NULL, NULL },
	{ "GET", "http:/a", NULL, NULL, NULL },
	{ "GET", "http://", NULL, NULL, NULL },
	{ "GET", "http:///a", NULL, NULL, NULL },
	{ "GET", "http://?a", NULL, NULL, NULL },
	{ "GET", "http://:80/", NULL, NULL, NULL },
	{ "GET", "http://u@a/", NULL, NULL, NULL },
	{ "GET", "http://u:p@a/", NULL, NULL, NULL },
	{ "GET", "http://a:x/", NULL, NULL, NULL },
	{ "GET", "http://a\\b/", NULL, NULL, NULL },
	{ "GET", "http://[::1/", NULL, NULL, NULL },
	{ "GET", "httpx://a/", NULL, NULL, NULL },
	{ "GET", "ftp://a/", NULL, NULL, NULL },
	{ "GET", "//", "//", "", "h" },
	{ "GET", "/#", NULL, NULL, NULL },
	{ "GET", "/a#b", NULL, NULL, NULL },
	{ "GET", "/?a#b", NULL, NULL, NULL },
	{ "GET", "http://a/#b", NULL, NULL, NULL },
	{ "GET", "/\x7f", NULL, NULL, NULL },
	{ "GET", "/\x80", NULL, NULL, NULL },
	{ "GET", "/\xc3\xa4", NULL, NULL, NULL },
	{ "GET", "/\xff", NULL, NULL, NULL },
	{ "GET", "/\x01", NULL, NULL, NULL },
	{ "GET", "/a\tb", NULL, NULL, NULL },
	{ "GET", "/a\rb", NULL, NULL, NULL },
	{ "GET", "/a\nb", NULL, NULL, NULL },
};

static void each_target_is_split_or_refused(void **state)
{
	static struct http_head head;
	char request[256];

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		int n = snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: h\r\n\r\n",
				 rows[i].method, rows[i].target);
		struct span text = { request, (size_t)n };

		assert_verdict(text, parse(text, &head), rows[i].path ? HTTP_DONE : 400);
		if (!rows[i].path)
			continue;
		assert_span(head.target, rows[i].target);
		assert_span(head.path, rows[i].path);
		assert_span(head.query, rows[i].query);
		assert_span(head.host, rows[i].host);
	}
}

TEST_MAIN(each_target_is_split_or_refused)
