/* SPDX-License-Identifier: MIT */
#include "conn/loop.h"

#define N_REQUESTS 100

static struct taken taken;

static void ask_hundred(int fd, bool later)
{
	static char text[N_REQUESTS * 128];
	size_t len = 0;

	for (int i = 0; i < N_REQUESTS; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"GET /%s?ms=%d&n=%03d HTTP/1.1\r\nHost: a\r\n\r\n",
					later && i % 10 == 3 ? "late" : "now", i % 4, i);
	tell_bytes(fd, text, len);
}

static void check_order(void)
{
	const char *at = taken.text;

	for (int i = 0; i < N_REQUESTS; i++) {
		char token[16];

		snprintf(token, sizeof(token), "&n=%03d", i);
		at = strstr(at, token);
		assert_non_null(at);
		at += strlen(token);
	}
	assert_int_equal(count_text(taken.text, "HTTP/1.1 200 OK\r\n"), N_REQUESTS);
}

static void hundred(bool later, bool half_close)
{
	int fd = join(0);

	taken_clear(&taken);
	ask_hundred(fd, later);
	if (half_close)
		shutdown(fd, SHUT_WR);
	take_all(fd, &taken, half_close ? PATIENCE_MS : 100);
	check_order();
	assert_int_equal(taken.error, 0);
	assert_int_equal(taken.ended, half_close);
	reset_end(fd);
}

static void hundred_pipelined_come_in_order(struct engine *e)
{
	loop_begin(e, &loop_limits);
	hundred(false, false);
	assert_int_equal(table.counters.requests, N_REQUESTS);
	hundred(false, true);
	hundred(true, false);
	hundred(true, true);
	loop_end();
}

TEST_ON_ENGINES(hundred_pipelined_come_in_order)
