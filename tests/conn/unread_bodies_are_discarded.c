/* SPDX-License-Identifier: MIT */
#include "conn/loop.h"

static struct taken taken;
static char many[2 << 20];

static void expect_two(int fd)
{
	tell(fd, "GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
	take_all(fd, &taken, 100);
	assert_int_equal(count_text(taken.text, "HTTP/1.1 200 OK\r\n"), 2);
	assert_non_null(strstr(taken.text, "/next"));
	assert_false(taken.ended);
	reset_end(fd);
}

static void discard_announced(void)
{
	int fd = join(0);

	taken_clear(&taken);
	tell(fd, "POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n");
	take_all(fd, &taken, 30);	/* answered before the body has come */
	assert_int_equal(count_text(taken.text, "HTTP/1.1 200 OK\r\n"), 1);
	tell_bytes(fd, many, 200000);
	expect_two(fd);
}

static void discard_chunks(void)
{
	int fd = join(0);

	taken_clear(&taken);
	tell(fd, "POST /unread HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 100; i++) {
		tell(fd, "400\r\n");
		tell_bytes(fd, many, 1024);
		tell(fd, "\r\n");
	}
	tell(fd, "0\r\n\r\n");
	expect_two(fd);
}

/* More than is worth discarding: the answer, its whole, then the end, while the client still sends. */
static void close_behind_too_much(const char *head)
{
	int fd = join(0);

	taken_clear(&taken);
	tell(fd, head);
	for (size_t at = 0; at < sizeof(many) && !taken.error; at += 16384) {
		(void)send(fd, many, 16384, MSG_NOSIGNAL);
		turn(0);
		(void)take(fd, &taken);
	}
	take_all(fd, &taken, 200);
	assert_int_equal(taken.error, 0);
	assert_true(taken.ended);
	assert_int_equal(count_text(taken.text, "HTTP/1.1 200 OK\r\n"), 1);
	assert_non_null(strstr(taken.text, "/unread"));
	reset_end(fd);
	turn_until_empty();
}

static void unread_bodies_are_discarded(struct engine *e)
{
	loop_begin(e, &loop_limits);
	memset(many, 'x', sizeof(many));
	discard_announced();
	discard_chunks();
	close_behind_too_much("POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n");
	assert_non_null(strstr(taken.text, "Connection: close\r\n"));
	close_behind_too_much("POST /unread HTTP/1.1\r\nHost: a\r\n"
			      "Transfer-Encoding: chunked\r\n\r\n1f0000\r\n");
	close_behind_too_much("POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n"
			      "Expect: 100-continue\r\n\r\n");
	loop_end();
}

TEST_ON_ENGINES(unread_bodies_are_discarded)
