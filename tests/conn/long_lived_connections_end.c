/* SPDX-License-Identifier: MIT */
#include "conn/loop.h"

#define MOST_REQUESTS 5
#define AGE_MS 600
#define LATE_MS 300
#define N_TOGETHER 16

static struct taken taken;

/* The last one says so, and what is pipelined behind it is not answered and destroys nothing. */
static void after_their_requests(void)
{
	struct conn_limits limits = loop_limits;
	int fd;

	limits.conn_requests = MOST_REQUESTS;
	loop_begin(table.engine, &limits);
	fd = join(0);
	taken_clear(&taken);
	for (int i = 1; i < MOST_REQUESTS; i++)
		tell(fd, "GET /now HTTP/1.1\r\nHost: a\r\n\r\n");
	take_all(fd, &taken, 100);
	assert_false(taken.ended);
	assert_int_equal(count_text(taken.text, "Connection: close\r\n"), 0);
	tell(fd, "GET /late?ms=5 HTTP/1.1\r\nHost: a\r\n\r\nGET /now HTTP/1.1\r\nHost: a\r\n\r\n");
	take_all(fd, &taken, PATIENCE_MS);
	assert_true(taken.ended && !taken.error);
	assert_int_equal(count_text(taken.text, "HTTP/1.1 200 OK\r\n"), MOST_REQUESTS);
	assert_int_equal(count_text(taken.text, "Connection: close\r\n"), 1);
	close(fd);
	loop_end();
}

/* Return: how long after @start @fd came to its end, asking all the time or not at all. */
static uint64_t wait_for_end(int fd, uint64_t start, bool asks)
{
	taken_clear(&taken);
	while (!taken.ended && !taken.error && clock_ms() < start + AGE_MS + LATE_MS) {
		if (asks)
			(void)send(fd, "GET /now HTTP/1.1\r\nHost: a\r\n\r\n", 30, MSG_NOSIGNAL);
		turn_for(20);
		(void)take(fd, &taken);
	}
	assert_true(taken.ended && !taken.error);
	return clock_ms() - start;
}

static void after_their_time(void)
{
	struct conn_limits limits = loop_limits;
	uint64_t start;
	int asking, silent;

	limits.conn_age_ms = AGE_MS;
	loop_begin(table.engine, &limits);
	turn(0);	/* reads the clock */
	start = clock_ms();
	asking = join(0);
	silent = join(0);
	assert_in_range(wait_for_end(asking, start, true), AGE_MS - AGE_MS / 10, AGE_MS + LATE_MS);
	assert_int_equal(count_text(taken.text, "Connection: close\r\n"), 1);
	assert_in_range(wait_for_end(silent, start, false), AGE_MS - AGE_MS / 10, AGE_MS + LATE_MS);
	assert_int_equal(taken.len, 0);
	assert_int_equal(table.counters.timeouts, 1);
	close(asking);
	close(silent);
	loop_end();
}

static int by_size(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Of those accepted in one turn no two in the same hundredth of the tenth. */
static void one_by_one(void)
{
	struct conn_limits limits = loop_limits;
	uint64_t ends[N_TOGETHER];
	int fds[N_TOGETHER];

	limits.conn_age_ms = 1000000;
	loop_begin(table.engine, &limits);
	for (int i = 0; i < N_TOGETHER; i++)
		fds[i] = join(0);
	for (int i = 0; i < N_TOGETHER; i++)
		ends[i] = table.slabs[0][i].old_ms - table.engine->now_ms;
	qsort(ends, N_TOGETHER, sizeof(ends[0]), by_size);
	assert_in_range(ends[0], 900000, 920000);
	assert_in_range(ends[N_TOGETHER - 1], 980000, 1000000);
	for (int i = 1; i < N_TOGETHER; i++)
		assert_true(ends[i] > ends[i - 1] + 1000);
	for (int i = 0; i < N_TOGETHER; i++)
		reset_end(fds[i]);
	loop_end();
}

static void long_lived_connections_end(struct engine *e)
{
	table.engine = e;
	after_their_requests();
	after_their_time();
	one_by_one();
}

TEST_ON_ENGINES(long_lived_connections_end)
