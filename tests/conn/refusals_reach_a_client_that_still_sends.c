/* SPDX-License-Identifier: MIT */
/* A reset would destroy the answer on its way; so the connection lingers until the client has it. */
#include "conn/loop.h"

#define N_CLIENTS 100

static struct taken taken;
static char many[1 << 20];

/* @last: the last that is heard. */
static void refuse(const char *head, const char *status, const char *last)
{
	int fd = join(0);
	size_t sent = 0;

	taken_clear(&taken);
	tell(fd, head);
	while (sent < sizeof(many)) {		/* it reads nothing until it has sent everything */
		ssize_t n = send(fd, many, sizeof(many) - sent, MSG_NOSIGNAL);

		assert_true(n > 0 || errno == EAGAIN);
		sent += n > 0 ? (size_t)n : 0;
		turn(0);
	}
	take_all(fd, &taken, PATIENCE_MS);
	assert_int_equal(taken.error, 0);
	assert_true(taken.ended);
	assert_int_equal(strncmp(taken.text, status, strlen(status)), 0);
	assert_non_null(strstr(taken.text, "Connection: close\r\n"));
	assert_string_equal(taken.text + taken.len - strlen(last), last);
	reset_end(fd);
}

/* One that goes on talking for ever, and one that is quiet, are gone after the time for it. */
static void leave_in_time(uint64_t linger_ms)
{
	int talker = join(0), quiet = join(0);
	uint64_t start = clock_ms();

	tell(talker, "GET / b HTTP/1.1\r\n\r\n");
	tell(quiet, "GET / b HTTP/1.1\r\n\r\n");
	while (table.n_open > 0 && clock_ms() < start + 2000) {
		(void)send(talker, "x", 1, MSG_NOSIGNAL);
		turn(5);
	}
	assert_in_range(clock_ms() - start, linger_ms, linger_ms + 300);
	reset_end(talker);
	reset_end(quiet);
}

static void refusals_reach_a_client_that_still_sends(struct engine *e)
{
	struct conn_limits limits = loop_limits;

	limits.http.body_bytes = 100000;
	limits.linger_timeout_ms = 200;
	loop_begin(e, &limits);
	memset(many, 'x', sizeof(many));
	for (int i = 0; i < N_CLIENTS / 4; i++) {
		refuse("POST /sum HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n", "HTTP/1.1 413 ",
		       "413 Content Too Large\n");
		refuse("POST /sum HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 400 ",
		       "400 Bad Request\n");
		refuse("GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET / b HTTP/1.1\r\n", "HTTP/1.1 200 ",
		       "400 Bad Request\n");
		refuse("\x16\x03\x01", "HTTP/1.1 400 ",
		       "400 Bad Request\n");
	}
	leave_in_time(limits.linger_timeout_ms);
	loop_end();
}

TEST_ON_ENGINES(refusals_reach_a_client_that_still_sends)
