/* SPDX-License-Identifier: MIT */
/*
 * Bytes come back whole and in order whatever is taken at a time, and a stream that is not read from, on either side,
 * costs no more than its bounds say.
 */
#include "conn/streams.h"

#define ECHO_BYTES (6 << 20)
#define MOST_BYTES (OUTPUT_HIGH + HOLD_MOST + 256 * 1024)	/* and what one completion may bring */

static struct taken taken;
static char sent[ECHO_BYTES];
static size_t most_bytes;

static void watch_memory(void)
{
	size_t n = (size_t)table.blocks.n_used * BLOCK_BYTES;

	most_bytes = n > most_bytes ? n : most_bytes;
}

/* Sends all there is while the client takes @at_once bytes at a time, and now and then none. */
static void echo_all(const char *name, size_t at_once)
{
	int fd = join_stream(16384);
	size_t n_sent = 0;

	taken_clear(&taken);
	most_bytes = 0;
	for (uint64_t i = 0; taken.len < ECHO_BYTES; i++) {
		ssize_t n = n_sent < ECHO_BYTES ? send(fd, sent + n_sent, ECHO_BYTES - n_sent, MSG_NOSIGNAL) : 0;

		n_sent += n > 0 ? (size_t)n : 0;
		turn(0);
		watch_memory();
		if (i % 7 == 0)
			continue;
		n = recv(fd, taken.text + taken.len, at_once, 0);
		assert_true(n != 0);
		taken.len += n > 0 ? (size_t)n : 0;
	}
	printf("%s on %s: %u data events, at most %zu KiB\n", name, engine_name(table.engine->kind), app.n_data,
	       most_bytes / 1024);
	assert_memory_equal(taken.text, sent, ECHO_BYTES);
	assert_true(most_bytes <= MOST_BYTES);
	close(fd);
	turn_until_empty();
}

static unsigned dice = 1;

/* A part at a time, so that the rest comes again at once; or nothing, so that it comes again with more. */
static size_t echo_some(struct brood_stream *s, const char *data, size_t len)
{
	size_t n;

	dice = dice * 1103515245 + 12345;
	n = dice >> 16 & 7 ? 1 + (dice >> 8) % len : 0;
	if ((len > HOLD_MOST / 2 || app.n_bytes + len == ECHO_BYTES) && n == 0)
		n = len;
	return n > 0 ? echo(s, data, n) : 0;
}

/* Four bytes each. */
static size_t take_word(struct brood_stream *s, const char *data, size_t len)
{
	return len < 4 ? 0 : 4;
}

static void words_are_taken_whole(void)
{
	int fd;

	app_reset();
	app.on_data = take_word;
	app.on_end = brood_stream_close;
	fd = join_stream(0);
	for (const char *c = "one two three4five"; *c; c++) {
		tell_bytes(fd, c, 1);
		turn_for(2);
	}
	assert_string_equal(app.bytes, "one two three4fi");
	assert_true(app.n_data <= 18);		/* no word is offered again without something new */
	shutdown(fd, SHUT_WR);
	turn_while(&app.n_end, 0);		/* in spite of the two bytes that nobody took */
	close(fd);
	turn_until_empty();
}

static void paused_ones_hold_the_client_back(void)
{
	uint64_t until = clock_ms() + 300;
	size_t n_sent = 0;
	int fd;

	app_reset();
	app.on_open = brood_stream_pause;
	fd = join_stream(16384);
	while (clock_ms() < until) {
		ssize_t n = send(fd, sent + n_sent, n_sent < ECHO_BYTES - 65536 ? 65536 : 0, MSG_NOSIGNAL);

		n_sent += n > 0 ? (size_t)n : 0;
		turn(1);
	}
	assert_int_equal(app.n_data, 0);
	assert_int_equal(app.n_close, 0);
	assert_in_range(conn_held_bytes(app.stream->conn), 1, 3 * HOLD_MOST);	/* what else was sent the kernel has */
	brood_stream_resume(app.stream);
	until = clock_ms() + PATIENCE_MS;
	while (app.n_bytes < n_sent && clock_ms() < until)
		turn(5);
	assert_int_equal(app.n_bytes, n_sent);
	assert_memory_equal(app.bytes, sent, n_sent < APP_BYTES ? n_sent / 2 : APP_BYTES / 2);
	close(fd);
	turn_until_empty();
}

static size_t written;

static void write_on(struct brood_stream *s)
{
	int error = 0;

	while (written < ECHO_BYTES && error == 0) {
		size_t n = ECHO_BYTES - written < 10000 ? ECHO_BYTES - written : 10000;

		error = brood_stream_write(s, sent + written, n);
		if (error == 0)
			written += n;
	}
	if (error == -EAGAIN)
		assert_true(brood_stream_unsent(s) > OUTPUT_HIGH);
	else
		brood_stream_close(s);
	watch_memory();
}

/* A source, slowed down by -EAGAIN and the writable event. */
static void writers_are_held_back(void)
{
	int fd;

	app_reset();
	written = 0;
	most_bytes = 0;
	app.on_open = app.on_writable = write_on;
	fd = join_stream(16384);
	taken_clear(&taken);
	take_all(fd, &taken, PATIENCE_MS);
	assert_true(taken.ended);
	assert_int_equal(taken.len, ECHO_BYTES);
	assert_memory_equal(taken.text, sent, ECHO_BYTES);
	assert_true(app.n_writable > 5);
	assert_int_equal(app.why, 0);
	assert_true(most_bytes <= MOST_BYTES);
	close(fd);
	turn_until_empty();
}

static void streams_hold_back_and_are_held_back(struct engine *e)
{
	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (char)(i * 2654435761u >> 13);
	stream_loop_begin(e, NULL);
	app.on_data = echo;
	echo_all("an echo", 3000);
	app_reset();
	app.on_data = echo_some;
	echo_all("one that takes a part at a time", 70000);
	words_are_taken_whole();
	paused_ones_hold_the_client_back();
	writers_are_held_back();
	app_reset();
	stream_loop_end();
}

TEST_ON_ENGINES(streams_hold_back_and_are_held_back)
