/* SPDX-License-Identifier: MIT */
/* Cut anywhere, an answer gets the same verdict: done at its last byte and not before, or broken. */
#include "../../bench/openloop/response.c"
#include "check.h"

#define OK "HTTP/1.1 200 OK\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"

static const struct { const char *text; enum verdict verdict; unsigned status; bool close; } rows[] = {
	{ OK "Content-Length: 5\r\n\r\nhello", RESPONSE_DONE, 200, false },
	{ OK "content-length:5 \r\nConnection: Close\r\n\r\nhello", RESPONSE_DONE, 200, true },
	{ OK "Content-Length: 0\r\n\r\n", RESPONSE_DONE, 200, false },
	{ OK CHUNKED "\r\n3\r\nabc\r\nA;x\r\n0123456789\r\n0\r\nT: x\r\n\r\n", RESPONSE_DONE, 200, 0 },
	{ "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", RESPONSE_DONE, 200, true },
	{ "HTTP/1.1 204 None\r\n\r\n", RESPONSE_DONE, 204, false },
	{ "HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno", RESPONSE_DONE, 503, false },
	{ OK "Connection: close\r\n\r\nto the end", RESPONSE_MORE, 200, true },
	{ OK "Content-Length: 6\r\n\r\nhello", RESPONSE_MORE, 200, false },
	{ OK CHUNKED "\r\n5\r\nhello\r\n0\r\n", RESPONSE_MORE, 200, false },
	{ OK "\r\nhello", RESPONSE_BROKEN, 0, false },
	{ OK "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", RESPONSE_BROKEN, 0, false },
	{ OK "Content-Length: 1\r\n" CHUNKED "\r\n0\r\n\r\n", RESPONSE_BROKEN, 0, false },
	{ OK "Content-Length: +1\r\n\r\nx", RESPONSE_BROKEN, 0, false },
	{ OK CHUNKED "\r\nx\r\n", RESPONSE_BROKEN, 0, false },
	{ OK CHUNKED "\r\n1\r\nabc\r\n", RESPONSE_BROKEN, 0, false },
	{ "HTTP/1.1 200 OK\nContent-Length: 1\n\nx", RESPONSE_BROKEN, 0, false },
	{ "HTTP/1.1 2x0 OK\r\n\r\n", RESPONSE_BROKEN, 0, false },
};

/* As the client does it: what was not taken comes again with @step bytes more. */
static enum verdict feed(struct response *response, const char *text, size_t step)
{
	size_t n = strlen(text), at = 0, taken;
	enum verdict verdict = RESPONSE_MORE;

	for (size_t end = 0; verdict == RESPONSE_MORE && end < n;) {
		end = end + step < n ? end + step : n;
		verdict = response_feed(response, text + at, end - at, &taken);
		at += taken;
	}
	check(verdict != RESPONSE_DONE || at == n);
	return verdict;
}

int main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (size_t step = 1; step <= strlen(rows[i].text); step++) {
			struct response response = { .wants_pid = true };

			check_equal(feed(&response, rows[i].text, step), rows[i].verdict);
			if (rows[i].verdict == RESPONSE_BROKEN)
				continue;
			check_equal(response.status, rows[i].status);
			check_equal(response.close, rows[i].close);
			if (rows[i].verdict == RESPONSE_MORE)
				check_equal(response_ends_with_stream(&response), response.close);
		}
	return 0;
}
