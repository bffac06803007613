/* SPDX-License-Identifier: MIT */
/* What a response's head says of its body; and what is not believed, whole or cut anywhere. */
#include "http/guard.h"

static const struct http_limits limits = { .head_bytes = 1024, .n_fields = 10 };

static const struct {
	struct span	wire;
	int		status;
	bool		has_length, chunked, keep_alive;
	uint64_t	length;
} good[] = {
	{ TEXT("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"), 200, true, false, true, 5 },
	{ TEXT("HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n"), 200, false, true, true, 0 },
	{ TEXT("HTTP/1.0 404 Not Found\r\n\r\n"), 404, false, false, false, 0 },
	{ TEXT("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n"), 200, true, false, true, 0 },
	{ TEXT("HTTP/1.1 503 x y z\r\nConnection: close\r\nRetry-After: 1\r\n\r\n"), 503, false, false, false, 0 },
	{ TEXT("HTTP/1.1 100 Continue\r\n\r\n"), 100, false, false, true, 0 },
};

static const struct span bad[] = {
	TEXT("HTTP/2.0 200 OK\r\n\r\n"), TEXT("HTTP/1.2 200 OK\r\n\r\n"), TEXT("http/1.1 200 OK\r\n\r\n"),
	TEXT("HTTP/1.1  200 OK\r\n\r\n"), TEXT("HTTP/1.1 20 OK\r\n\r\n"), TEXT("HTTP/1.1 600 OK\r\n\r\n"),
	TEXT("HTTP/1.1 2x0 OK\r\n\r\n"), TEXT("HTTP/1.1 2000 OK\r\n\r\n"), TEXT("HTTP/1.1 200OK!\r\n\r\n"),
	TEXT("HTTP/1.1 200 OK\n\n"), TEXT("HTTP/1.1 200 O\0K\r\n\r\n"), TEXT("\r\nHTTP/1.1 200 OK\r\n\r\n"),
	TEXT("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n"),
	TEXT("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
	TEXT("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n"), TEXT("HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n"),
	TEXT("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
	TEXT("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
	TEXT("HTTP/1.1 200 OK\r\nA : b\r\n\r\n"), TEXT("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n"),
	TEXT("HTTP/1.1 200 OK\r\nA: b\n\r\n"), TEXT("SSH-2.0-OpenSSH_9.2\r\n"),
};

static void believed(void **state)
{
	struct http_reply reply;

	for (unsigned i = 0; i < ARRAY_LEN(good); i++) {
		struct span wire = good[i].wire;
		size_t head = 0;

		for (size_t n = 0; n <= wire.len; n++) {
			int verdict = http_reply_parse(guarded(prefix(wire, n)), &limits, &reply);

			assert_true(verdict == HTTP_MORE || verdict == HTTP_DONE);
			assert_true(head == 0 || verdict == HTTP_DONE);
			head = verdict == HTTP_DONE ? reply.head.bytes : head;
		}
		assert_true(head > 0);
		assert_int_equal(reply.status, good[i].status);
		assert_int_equal(reply.has_length, good[i].has_length);
		assert_int_equal(reply.head.chunked, good[i].chunked);
		assert_int_equal(reply.head.keep_alive, good[i].keep_alive);
		assert_int_equal(reply.head.content_length, good[i].length);
	}
}

static void not_believed(void **state)
{
	struct http_reply reply;

	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		int last = HTTP_MORE;

		for (size_t n = 0; n <= bad[i].len && last == HTTP_MORE; n++)
			last = http_reply_parse(guarded(prefix(bad[i], n)), &limits, &reply);
		assert_verdict(bad[i], last, 400);
	}
}

static void bounded(void **state)
{
	static char wire[2048];
	struct http_reply reply;
	size_t n = (size_t)snprintf(wire, sizeof(wire), "HTTP/1.1 200 OK\r\nA: ");

	memset(wire + n, 'a', sizeof(wire) - n);
	assert_int_equal(http_reply_parse((struct span){ wire, sizeof(wire) }, &limits, &reply), 431);
	memset(wire + 13, 'a', sizeof(wire) - 13);
	assert_int_equal(http_reply_parse((struct span){ wire, sizeof(wire) }, &limits, &reply), 431);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(believed), cmocka_unit_test(not_believed), cmocka_unit_test(bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
