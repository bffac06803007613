/* SPDX-License-Identifier: MIT */
#include "http/guard.h"

#define PUT "PUT / HTTP/1.1\r\nHost: a\r\n"

static const struct {
	int		verdict;
	bool		expects;
	struct span	request;
} rows[] = {
	{ HTTP_DONE, false, TEXT(PUT "Content-Length: 3\r\n\r\n") },
	{ HTTP_DONE, true, TEXT(PUT "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n") },
	{ HTTP_DONE, true, TEXT("PUT / HTTP/1.1\r\nExpect:100-CONTINUE \r\nHost: a\r\n\r\n") },
	{ HTTP_DONE, false, TEXT("PUT / HTTP/1.0\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n") },
	{ 417, false, TEXT(PUT "Expect: 200-ok\r\n\r\n") },
	{ 417, false, TEXT(PUT "Expect: 100-continue, x\r\n\r\n") },
	{ 417, false, TEXT(PUT "Expect: 100-continue\r\nExpect: x\r\n\r\n") },
	{ 417, false, TEXT(PUT "Expect:\r\n\r\n") },
	{ 400, false, TEXT("PUT / HTTP/1.1\r\nExpect: x\r\n\r\n") },
};

static void only_100_continue_is_known(void **state)
{
	static struct http_head head;

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		assert_verdict(rows[i].request, parse(rows[i].request, &head), rows[i].verdict);
		if (rows[i].verdict == HTTP_DONE)
			assert_int_equal(head.expect_continue, rows[i].expects);
	}
}

TEST_MAIN(only_100_continue_is_known)
