/* SPDX-License-Identifier: MIT */
#include "conn/loop.h"

#define N_TALKERS 20

static struct taken taken;
static struct taken talkers[N_TALKERS];

static void idle_ones_are_closed(struct engine *e)
{
	uint64_t start;
	int idle, new;

	loop_begin(e, &loop_limits);
	idle = join(0);
	taken_clear(&taken);
	tell(idle, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
	take_all(idle, &taken, 300);
	assert_false(taken.ended);
	new = join(0);
	start = clock_ms();
	conn_table_drain(&table);
	take_all(idle, &taken, PATIENCE_MS);
	assert_true(taken.ended);
	assert_true(clock_ms() - start < 100);		/* it had been quiet */
	turn_until_empty();
	assert_in_range(clock_ms() - start, 100, 1500);	/* one that has not asked yet might be about to */
	reset_end(idle);
	reset_end(new);
	assert_int_equal(table.counters.cut, 0);
	loop_end();
}

/* Said before the order to drain; the last of them is answered with the end. */
static void busy_ones_are_answered(struct engine *e, const char *text, unsigned n_answers)
{
	int fd;

	loop_begin(e, &loop_limits);
	fd = join(0);
	taken_clear(&taken);
	tell(fd, text);
	turn_for(5);
	conn_table_drain(&table);
	take_all(fd, &taken, PATIENCE_MS);
	assert_true(taken.ended);
	assert_int_equal(count_text(taken.text, "HTTP/1.1 200 OK\r\n"), n_answers);
	assert_int_equal(count_text(taken.text, "Connection: close\r\n"), 1);
	reset_end(fd);
	loop_end();
}

/* Asks as soon as it has been answered, unless the answer said that it was the last. */
static unsigned ask_again(int fd, const struct taken *talker, unsigned n_asked)
{
	static const char ask[] = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";

	if (strstr(talker->text, "Connection: close\r\n") ||
	    count_text(talker->text, "HTTP/1.1 200 OK\r\n") < n_asked)
		return 0;
	assert_true(send(fd, ask, sizeof(ask) - 1, MSG_NOSIGNAL) > 0);
	return 1;
}

/* Clients that never pause: each request is answered. */
static void talkers_lose_nothing(struct engine *e)
{
	int fds[N_TALKERS], n_open = N_TALKERS;
	unsigned n_asked[N_TALKERS] = { 0 };

	loop_begin(e, &loop_limits);
	for (int i = 0; i < N_TALKERS; i++) {
		fds[i] = join(0);
		taken_clear(&talkers[i]);
	}
	for (int round = 0; n_open > 0; round++) {
		if (round == 50)
			conn_table_drain(&table);
		assert_true(round < 5000);
		for (int i = 0; i < N_TALKERS; i++) {
			if (talkers[i].ended)
				continue;
			n_asked[i] += ask_again(fds[i], &talkers[i], n_asked[i]);
			(void)take(fds[i], &talkers[i]);
			assert_int_equal(talkers[i].error, 0);
			n_open -= talkers[i].ended;
		}
		turn(1);
	}
	for (int i = 0; i < N_TALKERS; i++) {
		assert_int_equal(count_text(talkers[i].text, "HTTP/1.1 200 OK\r\n"), n_asked[i]);
		assert_int_equal(count_text(talkers[i].text, "Connection: close\r\n"), 1);
		reset_end(fds[i]);
	}
	loop_end();
}

static void draining_loses_no_request(struct engine *e)
{
	idle_ones_are_closed(e);
	busy_ones_are_answered(e, "GET /late?ms=50 HTTP/1.1\r\nHost: a\r\n\r\n", 1);
	busy_ones_are_answered(e,
		"GET /late?ms=30 HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n"
		"GET /late?ms=30 HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n", 4);
	busy_ones_are_answered(e,
		"POST /sum-late?ms=30 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 1);
	talkers_lose_nothing(e);
}

TEST_ON_ENGINES(draining_loses_no_request)
