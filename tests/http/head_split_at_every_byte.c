/* SPDX-License-Identifier: MIT */
#include "http/guard.h"

static const struct span requests[] = {
	TEXT("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
	TEXT("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
	TEXT("GET http://example.com:80/a?b HTTP/1.1\r\nHost: b\r\n\r\n"),
	TEXT("OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"),
	TEXT("HEAD /a%20b?c=d&e HTTP/1.0\r\n\r\n"),
	TEXT("DELETE /?x HTTP/1.0\r\nConnection: keep-alive\r\nHost: a\r\n\r\n"),
	TEXT("PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\nExpect: 100-continue\r\n\r\n"),
	TEXT("PATCH /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: a\r\nX:\r\nY: \t z z \t\r\n\r\n"),
	TEXT("POST / HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: a rather long value, longer "
	     "than two steps of the widest scanner \xc3\xa4\r\n"
	     "A-Name-That-Is-Longer-Than-Thirty-Two-Bytes: 1\r\n\r\n"),
};

static struct http_head head;

static int parse_once(struct span request)
{
	return http_head_parse(guarded(request), &usual_limits, &head);
}

static void every_prefix_asks_for_more(void **state)
{
	struct scanners variants[SCAN_VARIANTS_MAX];
	unsigned n_variants = http_scan_variants(variants);

	for (unsigned i = 0; i < ARRAY_LEN(requests) * n_variants; i++) {
		struct span request = requests[i / n_variants];

		http_scan = variants[i % n_variants];
		for (size_t n = 0; n < request.len; n++)
			assert_verdict(request, parse_once(prefix(request, n)), HTTP_MORE);
		assert_verdict(request, parse_once(request), HTTP_DONE);
		assert_int_equal(head.bytes, request.len);
	}
}

TEST_MAIN(every_prefix_asks_for_more)
