/* SPDX-License-Identifier: MIT */
#include "http/guard.h"

#define REST "\r\nHost: a\r\n\r\n"
#define TOKEN32 "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"

static const struct {
	int		verdict;
	struct span	request;
} rows[] = {
	{ HTTP_DONE, TEXT("GET / HTTP/1.1" REST) },
	{ HTTP_DONE, TEXT("HEAD / HTTP/1.1" REST) },
	{ HTTP_DONE, TEXT("POST / HTTP/1.1" REST) },
	{ HTTP_DONE, TEXT("PUT / HTTP/1.1" REST) },
	{ HTTP_DONE, TEXT("DELETE / HTTP/1.1" REST) },
	{ HTTP_DONE, TEXT("OPTIONS / HTTP/1.1" REST) },
	{ HTTP_DONE, TEXT("PATCH / HTTP/1.1" REST) },
	{ HTTP_DONE, TEXT("GET / HTTP/1.0" REST) },

	{ 501, TEXT("TRACE / HTTP/1.1" REST) },
	{ 501, TEXT("CONNECT a:80 HTTP/1.1" REST) },
	{ 501, TEXT("FOO / HTTP/1.1" REST) },
	{ 501, TEXT("get / HTTP/1.1" REST) },
	{ 501, TEXT("G / HTTP/1.1" REST) },
	{ 501, TEXT("GETS / HTTP/1.1" REST) },
	{ 501, TEXT("!#$%&'*+-.^_`|~ / HTTP/1.1" REST) },
	{ 501, TEXT(TOKEN32 " / HTTP/1.1" REST) },
	{ 501, TEXT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") },

	{ 400, TEXT(TOKEN32 "6 / HTTP/1.1" REST) },
	{ 400, TEXT(" GET / HTTP/1.1" REST) },
	{ 400, TEXT("GET\t/ HTTP/1.1" REST) },
	{ 400, TEXT("GET  / HTTP/1.1" REST) },
	{ 400, TEXT("GET /  HTTP/1.1" REST) },
	{ 400, TEXT("GET /\tHTTP/1.1" REST) },
	{ 400, TEXT("GET / HTTP/1.1 " REST) },
	{ 400, TEXT("GET / HTTP/1.1\t" REST) },
	{ 400, TEXT("GET / /b HTTP/1.1" REST) },
	{ 400, TEXT("GE(T / HTTP/1.1" REST) },
	{ 400, TEXT("GE\0T / HTTP/1.1" REST) },
	{ 400, TEXT("G\xc3\x84T / HTTP/1.1" REST) },
	{ 400, TEXT("GET: / HTTP/1.1" REST) },
	{ 400, TEXT("\"GET\" / HTTP/1.1" REST) },
	{ 400, TEXT("GET" REST) },
	{ 400, TEXT("GET /" REST) },
	{ 400, TEXT("GET / " REST) },
	{ 400, TEXT("GET / HTTP/1.1\nHost: a\n\n") },
	{ 400, TEXT("GET / HTTP/1.1\rHost: a\r\r") },
	{ 400, TEXT("GET / HTTP/1.1\r\r\nHost: a\r\n\r\n") },

	{ 505, TEXT("GET / HTTP/2.0" REST) },
	{ 505, TEXT("GET / HTTP/0.9" REST) },
	{ 505, TEXT("GET / HTTP/1.2" REST) },
	{ 505, TEXT("GET / HTTP/1.9" REST) },
	{ 505, TEXT("GET / HTTP/3.1" REST) },
	{ 505, TEXT("GET / HTTP/2.1" REST) },
	{ 400, TEXT("GET / HTTP/1." REST) },
	{ 400, TEXT("GET / HTTP/1" REST) },
	{ 400, TEXT("GET / HTTP/2" REST) },
	{ 400, TEXT("GET / HTTP/11.1" REST) },
	{ 400, TEXT("GET / HTTP/1.10" REST) },
	{ 400, TEXT("GET / HTTP/1,1" REST) },
	{ 400, TEXT("GET / HTTP/-1.1" REST) },
	{ 400, TEXT("GET / HTTP/1.x" REST) },
	{ 400, TEXT("GET / http/1.1" REST) },
	{ 400, TEXT("GET / HTTPS/1.1" REST) },
	{ 400, TEXT("GET / HTTP /1.1" REST) },
	{ 400, TEXT("GET / HTTP/ 1.1" REST) },
	{ 400, TEXT("GET / ICY/1.1" REST) },
	{ 400, TEXT("GET / H" REST) },
};

static void each_line_has_its_verdict(void **state)
{
	static struct http_head head;

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
		assert_verdict(rows[i].request, parse(rows[i].request, &head), rows[i].verdict);
}

TEST_MAIN(each_line_has_its_verdict)
