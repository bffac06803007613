/* SPDX-License-Identifier: MIT */
#include "conn/loop.h"

#define TIMEOUT_MS 150
#define LATE_MS 200

static struct taken taken;

/* Says @first, then @drop every 20 ms, until the end comes. Return: when it did. */
static uint64_t wait_for_end(const char *first, const char *drop)
{
	uint64_t start, next;
	int fd;

	turn(0);	/* reads the clock */
	start = clock_ms();
	next = start + 20;
	fd = join(0);
	taken_clear(&taken);
	tell(fd, first);
	while (!taken.ended && !taken.error && clock_ms() < start + 2000) {
		if (drop && clock_ms() >= next) {
			(void)send(fd, drop, strlen(drop), MSG_NOSIGNAL);
			next += 20;
		}
		turn(1);
		(void)take(fd, &taken);
	}
	assert_true(taken.ended);
	reset_end(fd);
	turn_until_empty();
	return clock_ms() - start;
}

static void expect_408(const char *first, const char *drop)
{
	assert_in_range(wait_for_end(first, drop), TIMEOUT_MS, TIMEOUT_MS + LATE_MS);
	assert_int_equal(strncmp(taken.text, "HTTP/1.1 408 ", 13), 0);
	assert_non_null(strstr(taken.text, "Connection: close\r\n"));
}

static void timeouts_have_their_answers(struct engine *e)
{
	struct conn_limits limits = loop_limits;

	limits.header_timeout_ms = limits.body_timeout_ms = limits.idle_timeout_ms = TIMEOUT_MS;
	limits.linger_timeout_ms = 100;
	loop_begin(e, &limits);
	assert_in_range(wait_for_end("", NULL), TIMEOUT_MS, TIMEOUT_MS + LATE_MS);	/* asked nothing */
	assert_int_equal(taken.len, 0);
	expect_408("G", NULL);
	expect_408("GET / HTTP/1.1\r\nHost: a\r\n", NULL);
	expect_408("GET / HTTP/1.1\r\nHost: a\r\n", "X: y\r\n");	/* a head has its time as a whole */
	expect_408("POST /sum HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n", NULL);
	expect_408("POST /sum HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", NULL);
	assert_int_equal(counts.n_closed, 2);
	wait_for_end("POST /sum HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\nConnection: close\r\n\r\n", "x");
	assert_int_equal(strncmp(taken.text, "HTTP/1.1 200 ", 13), 0);	/* a body from piece to piece */
	assert_in_range(wait_for_end("GET /a HTTP/1.1\r\nHost: a\r\n\r\n", NULL),
			TIMEOUT_MS, TIMEOUT_MS + LATE_MS);
	assert_int_equal(count_text(taken.text, "HTTP/1.1 "), 1);	/* then closed without a word */
	wait_for_end("GET /late?ms=400 HTTP/1.1\r\nHost: a\r\n\r\n", NULL);	/* a handler takes its time */
	assert_int_equal(strncmp(taken.text, "HTTP/1.1 200 ", 13), 0);
	assert_int_equal(table.counters.timeouts, 8);
	loop_end();
}

TEST_ON_ENGINES(timeouts_have_their_answers)
