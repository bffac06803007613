/* SPDX-License-Identifier: MIT */
/* However a client's bytes are cut, the same bytes come back. */
#include "conn/loop.h"

#define N_RANDOM 40

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define POST(path, fields) "POST " path " HTTP/1.1\r\nHost: a\r\n" fields "\r\n\r\n"

static const char *const scripts[] = {
	GET("/a?token1"),
	GET("/a") "HEAD /b HTTP/1.1\r\nHost: a\r\n\r\n" GET("/c"),
	POST("/sum", "Content-Length: 10") "0123456789" GET("/x"),
	POST("/sum", "Transfer-Encoding: chunked") "5;a=b\r\nhello\r\n1\r\n!\r\n0\r\nT: v\r\n\r\n" GET("/x"),
	POST("/unread", "Content-Length: 5") "hello" GET("/y"),
	GET("/late?ms=1") GET("/z"),
	POST("/sum-late?ms=1", "Content-Length: 3") "abc" GET("/z"),
	GET("/stream?bytes=30000") GET("/z"),
	GET("/a") "GET /b HTTP/1.0\r\n\r\n",
	GET("/a") "GET /b HTTP/1.1\r\nHost: a\r\nbad name: x\r\n\r\n",
	GET("/a") POST("/sum", "Transfer-Encoding: chunked") "xyz\r\n",
	"\r\nGET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
};

static struct taken whole, pieces;

/* Sends @script, in pieces of at most @most bytes (0 = whole), and half-closes behind it. */
static void play(const char *script, size_t most, struct taken *taken)
{
	size_t len = strlen(script);
	int fd = join(0);

	taken_clear(taken);
	for (size_t at = 0; at < len && !taken->ended && !taken->error;) {
		size_t n = most == 0 ? len : most == 1 ? 1 : 1 + (size_t)lrand48() % most;

		n = n < len - at ? n : len - at;
		if (send(fd, script + at, n, MSG_NOSIGNAL) != (ssize_t)n)
			break;		/* refused and closed before it was all said */
		at += n;
		turn(0);
		(void)take(fd, taken);
	}
	shutdown(fd, SHUT_WR);
	take_all(fd, taken, PATIENCE_MS);
	assert_true(taken->ended);
	reset_end(fd);
	stop_the_clock(taken);
}

static void splits_change_nothing(struct engine *e)
{
	loop_begin(e, &loop_limits);
	srand48(2);
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		play(scripts[i], 0, &whole);
		assert_true(whole.len > 0);
		for (size_t j = 0; j < N_RANDOM; j++) {
			play(scripts[i], j == 0 ? 1 : 2 + j, &pieces);
			if (pieces.len == whole.len && memcmp(pieces.text, whole.text, whole.len) == 0)
				continue;
			print_error("script %zu, at most %zu:\n%s\nbut whole:\n%s\n", i, 2 + j, pieces.text,
				    whole.text);
			fail();
		}
	}
	loop_end();
}

TEST_ON_ENGINES(splits_change_nothing)
