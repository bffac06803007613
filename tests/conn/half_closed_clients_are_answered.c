/* SPDX-License-Identifier: MIT */
/* Who shuts its side has said all, and still hears what it asked for; what cannot be whole ends at once. */
#include "conn/loop.h"

static struct taken taken;

static void half_close(const char *text, unsigned n_answers)
{
	uint64_t start = clock_ms();
	int fd = join(0);

	taken_clear(&taken);
	tell(fd, text);
	shutdown(fd, SHUT_WR);
	take_all(fd, &taken, PATIENCE_MS);
	if (!taken.ended || count_text(taken.text, "HTTP/1.1 200 OK\r\n") != n_answers)
		print_error("%s\nwas answered:\n%s\n", text, taken.text);
	assert_int_equal(count_text(taken.text, "HTTP/1.1 200 OK\r\n"), n_answers);
	assert_true(taken.ended);
	assert_true(clock_ms() - start < 1000);
	turn_until_empty();
	assert_true(clock_ms() - start < 1000);
	reset_end(fd);
}

static void half_closed_clients_are_answered(struct engine *e)
{
	loop_begin(e, &loop_limits);
	half_close("", 0);
	half_close("GET /a HTT", 0);
	half_close("GET /a HTTP/1.1\r\nHost: a\r\n", 0);
	half_close("GET /a HTTP/1.1\r\nHost: a\r\n\r\n", 1);
	half_close("GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP", 1);
	half_close("GET /late?ms=20 HTTP/1.1\r\nHost: a\r\n\r\n", 1);
	half_close("GET /late?ms=20 HTTP/1.1\r\nHost: a\r\n\r\n"
		   "GET /late?ms=20 HTTP/1.1\r\nHost: a\r\n\r\n", 2);
	half_close("GET /stream?bytes=3000000 HTTP/1.1\r\nHost: a\r\n\r\n"
		   "GET /b HTTP/1.1\r\nHost: a\r\n\r\n", 2);
	half_close("GET /sized?bytes=3000000 HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n", 1);
	half_close("POST /sum HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789", 1);
	half_close("POST /sum HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234", 0);
	half_close("GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
		   "POST /sum HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n01", 1);
	half_close("POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234", 1);
	half_close("POST /sum-late?ms=20 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 1);
	half_close("POST /sum-late?ms=20 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na", 0);
	loop_end();
}

TEST_ON_ENGINES(half_closed_clients_are_answered)
