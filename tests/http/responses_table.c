/* SPDX-License-Identifier: MIT */
#include "http/guard.h"

#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"
#define OK "HTTP/1.1 200 OK\r\nDate: " DATE "\r\n"
#define LINE(status) "HTTP/1.1 " status "\r\nDate: " DATE "\r\n"

static const struct {
	struct http_response response;
	const char	*wire;
} rows[] = {
	{ { .status = 200, .date = DATE }, OK "Content-Length: 0\r\n\r\n" },
	{ { .status = 200, .date = DATE, .content_length = 7, .type = TEXT("text/plain") },
	  OK "Content-Type: text/plain\r\nContent-Length: 7\r\n\r\n" },
	{ { .status = 200, .date = DATE, .content_length = 10, .close = true },
	  OK "Content-Length: 10\r\nConnection: close\r\n\r\n" },
	{ { .status = 200, .date = DATE, .content_length = 99, .keep_alive = true },
	  OK "Content-Length: 99\r\nConnection: keep-alive\r\n\r\n" },
	{ { .status = 200, .date = DATE, .content_length = 100, .close = true, .keep_alive = true },
	  OK "Content-Length: 100\r\nConnection: close\r\n\r\n" },
	{ { .status = 200, .date = DATE, .content_length = 1234567890123,
	    .fields = TEXT("A: b\r\nC: d\r\n") },
	  OK "Content-Length: 1234567890123\r\nA: b\r\nC: d\r\n\r\n" },
	{ { .status = 200, .date = DATE, .content_length = UINT64_MAX },
	  OK "Content-Length: 18446744073709551615\r\n\r\n" },
	{ { .status = 200, .date = DATE, .chunked = true, .content_length = 5 },
	  OK "Transfer-Encoding: chunked\r\n\r\n" },
	{ { .status = 200, .date = DATE, .no_length = true, .close = true }, OK "Connection: close\r\n\r\n" },
	{ { .status = 404, .date = DATE }, LINE("404 Not Found") "Content-Length: 0\r\n\r\n" },
	{ { .status = 431, .date = DATE, .close = true },
	  LINE("431 Request Header Fields Too Large") "Content-Length: 0\r\nConnection: close\r\n\r\n" },
	{ { .status = 299, .date = DATE }, LINE("299 Unknown") "Content-Length: 0\r\n\r\n" },
	{ { .status = 999, .date = DATE }, LINE("999 Unknown") "Content-Length: 0\r\n\r\n" },
	{ { .status = 304, .date = DATE, .no_length = true }, LINE("304 Not Modified") "\r\n" },
	{ { .status = 304, .date = DATE, .content_length = 5 },
	  LINE("304 Not Modified") "Content-Length: 5\r\n\r\n" },
	{ { .status = 204, .date = DATE }, LINE("204 No Content") "\r\n" },
	{ { .status = 204, .date = DATE, .chunked = true }, LINE("204 No Content") "\r\n" },
	{ { .status = 100 }, "HTTP/1.1 100 Continue\r\n\r\n" },
};

static void each_is_written_to_the_byte(void **state)
{
	char out[HTTP_RESPONSE_BYTES + 64];

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		memset(out, '?', sizeof(out));
		assert_span((struct span){ out, http_response_render(out, &rows[i].response) }, rows[i].wire);
	}
}

static void every_length_is_right(void **state)
{
	char out[HTTP_RESPONSE_BYTES], want[HTTP_RESPONSE_BYTES];

	for (uint64_t len = 1; len < UINT64_MAX / 11; len = len * 11 / 10 + 1) {
		struct http_response response = { .status = 200, .date = DATE, .content_length = len };

		snprintf(want, sizeof(want), OK "Content-Length: %llu\r\n\r\n", (unsigned long long)len);
		assert_span((struct span){ out, http_response_render(out, &response) }, want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_written_to_the_byte),
		cmocka_unit_test(every_length_is_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
