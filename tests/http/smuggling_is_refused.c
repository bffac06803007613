/* SPDX-License-Identifier: MIT */
#include "http/guard.h"

#define POST "POST / HTTP/1.1\r\nHost: a\r\n"
#define TE "Transfer-Encoding: "

static const struct span requests[] = {
	TEXT(POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
	TEXT(POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"),
	TEXT(POST "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n"),
	TEXT(POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"),
	TEXT(POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n"),
	TEXT(POST "Content-Length: 5\r\ncontent-length: 5\r\n\r\n"),
	TEXT(POST "Content-Length: 5, 5\r\n\r\n"),
	TEXT(POST "Content-Length: 5,\r\n\r\n"),
	TEXT(POST "Content-Length: +5\r\n\r\n"),
	TEXT(POST "Content-Length: -5\r\n\r\n"),
	TEXT(POST "Content-Length: 0x5\r\n\r\n"),
	TEXT(POST "Content-Length: 5 5\r\n\r\n"),
	TEXT(POST "Content-Length: 5_0\r\n\r\n"),
	TEXT(POST "Content-Length: 5.0\r\n\r\n"),
	TEXT(POST "Content-Length: \"5\"\r\n\r\n"),
	TEXT(POST "Content-Length:\r\n\r\n"),
	TEXT(POST "Content-Length: \xb2\r\n\r\n"),
	TEXT(POST "Content-Length: 18446744073709551616\r\n\r\n"),
	TEXT(POST "Content-Length: 99999999999999999999999999999999\r\n\r\n"),
	TEXT(POST "Content-Length : 5\r\n\r\n"),
	TEXT(POST "Content-Length\t: 5\r\n\r\n"),
	TEXT(POST " Content-Length: 5\r\n\r\n"),
	TEXT(POST "Content-Length: 5\r\n 6\r\n\r\n"),
	TEXT(POST "X: y\r\n\tTransfer-Encoding: chunked\r\n\r\n"),
	TEXT(POST "X: y\nTransfer-Encoding: chunked\r\n\r\n"),
	TEXT(POST "X: y\rTransfer-Encoding: chunked\r\n\r\n"),
	TEXT(POST "Content-Length: 5\t\r\n\r\n"),
	TEXT(POST "Content-Length: 5 \t \r\n\r\n"),
	TEXT(POST TE "chunked \t\r\n\r\n"),
	TEXT(POST TE "chunked, chunked\r\n\r\n"),
	TEXT(POST TE "chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
	TEXT(POST TE "chunked\r\nTransfer-Encoding: identity\r\n\r\n"),
	TEXT(POST TE "identity\r\nTransfer-Encoding: chunked\r\n\r\n"),
	TEXT(POST TE "gzip, chunked\r\n\r\n"),
	TEXT(POST TE "identity, chunked\r\n\r\n"),
	TEXT(POST TE "chunked, identity\r\n\r\n"),
	TEXT(POST TE "identity\r\n\r\n"),
	TEXT(POST TE "gzip\r\n\r\n"),
	TEXT(POST TE "xchunked\r\n\r\n"),
	TEXT(POST TE "chunkedx\r\n\r\n"),
	TEXT(POST TE "chunk\r\n\r\n"),
	TEXT(POST TE "\"chunked\"\r\n\r\n"),
	TEXT(POST TE "chunked;q=1\r\n\r\n"),
	TEXT(POST TE "chunked,\r\n\r\n"),
	TEXT(POST TE ",chunked\r\n\r\n"),
	TEXT(POST TE "\vchunked\r\n\r\n"),
	TEXT(POST TE "\x85" "chunked\r\n\r\n"),
	TEXT(POST TE "chunked\0\r\n\r\n"),
	TEXT(POST TE "\r\n\r\n"),
	TEXT(POST TE "\r\n chunked\r\n\r\n"),
	TEXT(POST "Transfer-Encoding : chunked\r\n\r\n"),
	TEXT("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
	TEXT("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"),
	TEXT("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
	TEXT("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
	TEXT("GET / HTTP/1.1\r\n\r\n"),
};

static void ambiguous_framing_is_400(void **state)
{
	static struct http_head head;

	for (unsigned i = 0; i < ARRAY_LEN(requests); i++)
		assert_verdict(requests[i], parse(requests[i], &head), 400);
}

static void plain_framing_is_taken(void **state)
{
	static struct http_head head;

	assert_int_equal(parse(SPAN(POST TE "chunked\r\n\r\n"), &head), HTTP_DONE);
	assert_true(head.chunked);
	assert_int_equal(parse(SPAN(POST TE "\tCHUNKED \r\n\r\n"), &head), HTTP_DONE);
	assert_true(head.chunked);
	assert_int_equal(parse(SPAN(POST "Content-Length: 0012 \r\n\r\n"), &head), HTTP_DONE);
	assert_false(head.chunked);
	assert_int_equal(head.content_length, 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ambiguous_framing_is_400),
		cmocka_unit_test(plain_framing_is_taken),
	};

	http_scan_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
