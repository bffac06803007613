/* SPDX-License-Identifier: MIT */
#include "conn/loop.h"

#define TIMEOUT_MS 150
#define LATE_MS 600

static struct taken taken;
static unsigned n_too_late;
static uint64_t longest_pause_ms;	/* between two pieces that the last one said, which may be ours */

/* Says @first, then @drop every 20 ms, until the end comes. Return: when it did. */
static uint64_t wait_for_end(const char *first, const char *drop)
{
	uint64_t start, next, said;
	int fd;

	turn(0);	/* reads the clock */
	start = said = clock_ms();
	next = start + 20;
	longest_pause_ms = 0;
	fd = join(0);
	taken_clear(&taken);
	tell(fd, first);
	while (!taken.ended && !taken.error && clock_ms() < start + 2000) {
		if (drop && clock_ms() >= next) {
			(void)send(fd, drop, strlen(drop), MSG_NOSIGNAL);
			next += 20;
			if (clock_ms() - said > longest_pause_ms)
				longest_pause_ms = clock_ms() - said;
			said = clock_ms();
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

/* A body has its time from piece to piece; again, if it was us who paused. Each that came too late is a timeout. */
static void expect_200_by_pieces(const char *first, const char *drop)
{
	for (int i = 0; i < 5; i++) {
		wait_for_end(first, drop);
		if (strncmp(taken.text, "HTTP/1.1 200 ", 13) == 0)
			return;
		assert_true(longest_pause_ms > TIMEOUT_MS / 2);
		assert_int_equal(strncmp(taken.text, "HTTP/1.1 408 ", 13), 0);
		n_too_late++;
	}
	fail_msg("paused five times");
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
	n_too_late = 0;
	expect_200_by_pieces("POST /sum HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\nConnection: close\r\n\r\n", "x");
	assert_in_range(wait_for_end("GET /a HTTP/1.1\r\nHost: a\r\n\r\n", NULL),
			TIMEOUT_MS, TIMEOUT_MS + LATE_MS);
	assert_int_equal(count_text(taken.text, "HTTP/1.1 "), 1);	/* then closed without a word */
	wait_for_end("GET /late?ms=400 HTTP/1.1\r\nHost: a\r\n\r\n", NULL);	/* a handler takes its time */
	assert_int_equal(strncmp(taken.text, "HTTP/1.1 200 ", 13), 0);
	assert_int_equal(table.counters.timeouts, 8 + n_too_late);
	loop_end();
}

TEST_ON_ENGINES(timeouts_have_their_answers)
