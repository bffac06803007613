/* SPDX-License-Identifier: MIT */
#include "http/guard.h"

static const struct {
	int		verdict;
	struct span	request;
} rows[] = {
	{ 411, TEXT("POST / HTTP/1.0\r\n\r\n") },
	{ 411, TEXT("PUT / HTTP/1.0\r\nHost: a\r\n\r\n") },
	{ 411, TEXT("PATCH / HTTP/1.0\r\n\r\n") },
	{ HTTP_DONE, TEXT("POST / HTTP/1.0\r\nContent-Length: 0\r\n\r\n") },
	{ HTTP_DONE, TEXT("DELETE / HTTP/1.0\r\n\r\n") },
	{ HTTP_DONE, TEXT("GET / HTTP/1.0\r\n\r\n") },
	{ HTTP_DONE, TEXT("POST / HTTP/1.1\r\nHost: a\r\n\r\n") },	/* since 1.1 this says: no body */
};

static void old_bodies_need_a_length(void **state)
{
	static struct http_head head;

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
		assert_verdict(rows[i].request, parse(rows[i].request, &head), rows[i].verdict);
}

TEST_MAIN(old_bodies_need_a_length)
