/* SPDX-License-Identifier: MIT */
#include "conn/loop.h"

#define ASK "GET /now HTTP/1.1\r\nHost: a\r\n\r\n"

static struct taken taken;
static int given_fd;
static bool refuses;

static int give(int fd, void *ctx)
{
	if (refuses)
		return -EAGAIN;
	assert_int_equal(given_fd, -1);
	given_fd = fd;
	return 0;
}

static void expect_answer(int fd, const char *ask)
{
	taken_clear(&taken);
	tell(fd, ask);
	take_all(fd, &taken, 50);
	assert_int_equal(count_text(taken.text, "HTTP/1.1 200 OK\r\n"), 1);
	assert_false(taken.ended || taken.error);
}

static void shed(unsigned n)
{
	given_fd = -1;
	(void)conn_table_shed(&table, n);
	turn_for(10);
}

/* It goes on with whoever takes it, and the client notices nothing. */
static void is_given(int fd)
{
	shed(5);
	assert_true(given_fd >= 0);
	assert_int_equal(table.n_open, 0);
	(void)send(fd, ASK, strlen(ASK), 0);	/* meanwhile */
	turn_for(10);
	assert_int_equal(conn_adopt(&table, given_fd), 0);
	taken_clear(&taken);
	take_all(fd, &taken, 50);
	assert_int_equal(count_text(taken.text, "HTTP/1.1 200 OK\r\n"), 1);
	expect_answer(fd, ASK);
}

static void stays_while_asking(int fd)
{
	tell(fd, "GET /late?ms=40 HTTP/1.1\r\nHost: a\r\n\r\n");
	turn_for(10);
	shed(5);
	assert_int_equal(given_fd, -1);
	taken_clear(&taken);
	take_all(fd, &taken, 100);
	assert_int_equal(count_text(taken.text, "HTTP/1.1 200 OK\r\n"), 1);
}

/* Whatever is under way keeps it here, as does a giving that fails. */
static void stays(int fd)
{
	stays_while_asking(fd);
	tell(fd, "GET /now HTTP/1.1\r\nHo");
	turn_for(10);
	shed(5);
	assert_int_equal(given_fd, -1);
	expect_answer(fd, "st: a\r\n\r\n");
	refuses = true;
	shed(5);
	refuses = false;
	assert_int_equal(given_fd, -1);
	expect_answer(fd, ASK);
}

/* What arrives with the order is answered, here or there. */
static void races(int fd)
{
	for (int i = 0; i < 200; i++) {
		taken_clear(&taken);
		given_fd = -1;
		if (i % 2)
			(void)conn_table_shed(&table, 1);
		(void)send(fd, ASK, strlen(ASK), 0);
		if (i % 2 == 0)
			(void)conn_table_shed(&table, 1);
		turn(0);
		turn_for(1);
		if (given_fd >= 0)
			assert_int_equal(conn_adopt(&table, given_fd), 0);
		take_bytes(fd, &taken, 1);
		take_all(fd, &taken, 2);
		assert_int_equal(count_text(taken.text, "HTTP/1.1 200 OK\r\n"), 1);
		assert_false(taken.ended || taken.error);
	}
}

static void adopt_given(void)
{
	int fd = given_fd;

	assert_true(fd >= 0);
	given_fd = -1;
	assert_int_equal(conn_adopt(&table, fd), 0);
}

/* Before its client can have asked again, so that one that always asks goes as well. */
static void goes_behind_its_answer(int fd, const char *ask)
{
	adopt_given();
	taken_clear(&taken);
	tell(fd, ask);
	take_bytes(fd, &taken, 1);
	take_all(fd, &taken, 2);
	assert_int_equal(count_text(taken.text, "HTTP/1.1 200 OK\r\n"), 1);
	assert_int_equal(count_text(taken.text, "Connection: close\r\n"), 0);
	assert_false(taken.ended || taken.error);
	assert_true(given_fd >= 0);
	assert_int_equal(table.n_open, 0);
}

/* With an heir all go, what has not asked yet as well; what is busy goes when it has been answered. */
static void all_go(struct engine *e)
{
	int fd;

	loop_begin(e, &loop_limits);
	table.give = give;
	conn_table_leave(&table);
	fd = join(0);
	shed(5);
	assert_true(given_fd >= 0);
	goes_behind_its_answer(fd, "GET /late?ms=40 HTTP/1.1\r\nHost: a\r\n\r\n");
	for (int i = 0; i < 200; i++)
		goes_behind_its_answer(fd, ASK);
	adopt_given();
	taken_clear(&taken);
	tell(fd, ASK ASK ASK);	/* the last answer takes it along */
	take_all(fd, &taken, 20);
	assert_int_equal(count_text(taken.text, "HTTP/1.1 200 OK\r\n"), 3);
	assert_true(given_fd >= 0);
	adopt_given();
	refuses = true;		/* then it stays, and is heard */
	expect_answer(fd, ASK);
	expect_answer(fd, ASK);
	refuses = false;
	close(fd);
	loop_end();
}

static void idle_connections_are_given_away(struct engine *e)
{
	int fresh, fd;

	loop_begin(e, &loop_limits);
	table.give = give;
	fresh = join(0);	/* has not asked yet: not one that lives long */
	turn_for(10);
	shed(5);
	assert_int_equal(given_fd, -1);
	reset_end(fresh);
	turn_until_empty();
	fd = join(0);
	expect_answer(fd, ASK);
	is_given(fd);
	stays(fd);
	races(fd);
	conn_table_drain(&table);	/* who leaves gives nothing */
	shed(5);
	assert_int_equal(given_fd, -1);
	close(fd);
	loop_end();
	all_go(e);
}

TEST_ON_ENGINES(idle_connections_are_given_away)
