/* SPDX-License-Identifier: MIT */
/* However a stream ends, its close event comes once, with the reason, and what was written before arrives. */
#include "conn/streams.h"

static struct taken taken;

static void end_it(struct brood_stream *s)
{
	assert_int_equal(brood_stream_end(s), 0);
	assert_int_equal(brood_stream_end(s), -EPIPE);
	assert_int_equal(brood_stream_write(s, "x", 1), -EPIPE);
}

static void answer_and_end(struct brood_stream *s)
{
	assert_int_equal(brood_stream_write(s, "last words", 10), 0);
	end_it(s);
}

static size_t close_it(struct brood_stream *s, const char *data, size_t len)
{
	assert_int_equal(brood_stream_write(s, "bye", 3), 0);
	brood_stream_close(s);
	brood_stream_close(s);
	assert_int_equal(brood_stream_write(s, "x", 1), -EPIPE);
	assert_int_equal(app.n_close, 0);	/* it comes when we have returned */
	return 1;
}

static void expect_close(int why)
{
	unsigned n = app.n_close;

	if (n == 0)
		turn_while(&app.n_close, 0);
	assert_int_equal(app.n_close, 1);
	assert_int_equal(app.why, why);
}

static void expect_text(int fd, const char *text, bool ended)
{
	taken_clear(&taken);
	take_all(fd, &taken, ended ? PATIENCE_MS : 50);
	assert_string_equal(taken.text, text);
	assert_int_equal(taken.ended, ended);
	assert_int_equal(taken.error, 0);
}

/* The client's end first, ours behind what we answer to it. */
static void client_ends_first(void)
{
	int fd;

	app_reset();
	app.on_end = answer_and_end;
	fd = join_stream(0);
	tell(fd, "question");
	shutdown(fd, SHUT_WR);
	expect_text(fd, "last words", true);
	expect_close(0);
	assert_int_equal(app.n_end, 1);
	assert_string_equal(app.bytes, "question");
	close(fd);
	turn_until_empty();
}

/* Ours first; what the client still sends is delivered. */
static void we_end_first(void)
{
	int fd;

	app_reset();
	app.on_open = answer_and_end;
	fd = join_stream(0);
	expect_text(fd, "last words", true);
	tell(fd, "still here");
	turn_for(20);
	assert_string_equal(app.bytes, "still here");
	assert_int_equal(app.n_close, 0);
	shutdown(fd, SHUT_WR);
	expect_close(0);
	assert_int_equal(app.n_end, 1);
	close(fd);
	turn_until_empty();
}

/* More was sent than is read: no reset may destroy the answer. */
static void we_close(void)
{
	int fd;

	app_reset();
	app.on_data = close_it;
	fd = join_stream(0);
	tell(fd, "many words of which one byte is taken");
	expect_close(0);
	tell(fd, "and more");
	expect_text(fd, "bye", true);
	assert_int_equal(app.n_data, 1);
	close(fd);
	turn_until_empty();
}

static void client_resets(void)
{
	struct linger hard = { 1, 0 };
	int fd;

	app_reset();
	app.on_end = end_it;
	fd = join_stream(0);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(fd);
	expect_close(-ECONNRESET);
	turn_until_empty();
}

static void client_is_silent(void)
{
	int fd;

	app_reset();
	fd = join_stream(0);
	brood_stream_timeouts(app.stream, 50, 50);
	expect_close(-ETIMEDOUT);
	expect_text(fd, "", true);
	close(fd);
	turn_until_empty();
}

static void client_does_not_read(void)
{
	static const char block[64 * 1024];
	uint64_t begun = clock_ms();
	int fd;

	app_reset();
	fd = join_stream(16384);
	brood_stream_timeouts(app.stream, 0, 200);
	while (brood_stream_write(app.stream, block, sizeof(block)) == 0)
		continue;
	expect_close(-ETIMEDOUT);
	assert_in_range(clock_ms() - begun, 200, 1000);
	close(fd);
	turn_until_empty();
}

static void nobody_ends_it(void)
{
	int fd;

	app_reset();
	fd = join_stream(0);
	conn_table_drain(&table);
	conn_table_drain(&table);
	turn_while(&app.n_drain, 0);
	turn_for(150);			/* longer than an idle connection would be kept */
	assert_int_equal(app.n_close, 0);
	assert_int_equal(conn_table_cut(&table), 1);
	expect_close(-ECANCELED);
	assert_int_equal(app.n_drain, 1);
	close(fd);
	turn_until_empty();
	table.draining = false;
}

static void timer_comes_once(void)
{
	int fd;

	app_reset();
	app.on_timer = brood_stream_close;
	fd = join_stream(0);
	brood_stream_timer(app.stream, 500000);
	brood_stream_timer(app.stream, 10);
	turn_while(&app.n_timer, 0);
	expect_close(0);
	expect_text(fd, "", true);
	close(fd);
	turn_until_empty();
	assert_int_equal(app.n_timer, 1);
}

static struct brood_stream *other;

static size_t close_other(struct brood_stream *s, const char *data, size_t len)
{
	brood_stream_close(other);
	assert_int_equal(app.n_close, 0);
	return len;
}

/* One is closed from within another's event. */
static void another_closes_it(void)
{
	int first, second;

	app_reset();
	app.on_data = close_other;
	first = join_stream(0);
	other = app.stream;
	second = join_stream(0);
	tell(second, "kick");
	expect_close(0);
	expect_text(first, "", true);
	close(first);
	close(second);
	turn_while(&app.n_close, 1);
	turn_until_empty();
}

static size_t decline(struct brood_stream *s, const char *data, size_t len)
{
	return 0;
}

static void nothing_is_ever_taken(void)
{
	static char flood[256 * 1024];
	int fd;

	app_reset();
	app.on_data = decline;
	fd = join_stream(0);
	for (int i = 0; i < 1000 && app.n_close == 0; i++) {
		(void)!send(fd, flood, sizeof(flood), MSG_NOSIGNAL);
		turn(1);
	}
	expect_close(-EMSGSIZE);
	close(fd);
	turn_until_empty();
}

/* Without an end event our side ends when the client's does. */
static void default_end(void)
{
	static const struct brood_stream_events plain = { .size = sizeof(plain), .data = app_data };
	static const struct stream_service service = { &plain, &app };
	struct ends ends = make_ends(0);

	app_reset();
	app.on_data = echo;
	fcntl(ends.theirs, F_SETFL, O_NONBLOCK);
	assert_int_equal(conn_open_stream(&table, ends.ours, &service, 0), 0);
	tell(ends.theirs, "there and back");
	shutdown(ends.theirs, SHUT_WR);
	expect_text(ends.theirs, "there and back", true);
	close(ends.theirs);
	turn_until_empty();
}

static void streams_end_once_and_say_why(struct engine *e)
{
	stream_loop_begin(e, NULL);
	client_ends_first();
	we_end_first();
	we_close();
	client_resets();
	client_is_silent();
	client_does_not_read();
	nobody_ends_it();
	timer_comes_once();
	another_closes_it();
	nothing_is_ever_taken();
	default_end();
	app_reset();
	stream_loop_end();
}

TEST_ON_ENGINES(streams_end_once_and_say_why)
