/* SPDX-License-Identifier: MIT */
/* streams.h - loop.h with an application of streams that writes down what it is told, and does what the test says */
#pragma once

#include "conn/loop.h"

#define APP_BYTES (1 << 20)

static struct app {
	struct brood_stream *stream;	/* the last one opened, until its close */
	unsigned	n_open, n_close, n_end, n_writable, n_timer, n_drain, n_data;
	int		why;		/* of the last close */
	size_t		n_bytes;	/* taken */
	char		bytes[APP_BYTES + 1];
	/* what to do */
	size_t		(*on_data)(struct brood_stream *s, const char *data, size_t len);	/* NULL = take all */
	void		(*on_open)(struct brood_stream *s);
	void		(*on_end)(struct brood_stream *s);
	void		(*on_writable)(struct brood_stream *s);
	void		(*on_timer)(struct brood_stream *s);
	void		(*on_drain)(struct brood_stream *s);
} app;

static inline void app_open(struct brood_stream *s, void *arg)
{
	app.n_open++;
	app.stream = s;
	assert_ptr_equal(arg, &app);
	if (app.on_open)
		app.on_open(s);
}

static inline size_t app_data(struct brood_stream *s, const void *data, size_t len, void *arg)
{
	size_t n = len;

	assert_true(len > 0);
	app.n_data++;
	if (app.on_data)
		n = app.on_data(s, data, len);
	if (n <= len && app.n_bytes + n <= APP_BYTES) {
		memcpy(app.bytes + app.n_bytes, data, n);
		app.bytes[app.n_bytes + n] = '\0';
	}
	app.n_bytes += n;
	return n;
}

#define APP_EVENT(name)								\
	static inline void app_##name(struct brood_stream *s, void *arg)	\
	{									\
		app.n_##name++;							\
		if (app.on_##name)						\
			app.on_##name(s);					\
	}
APP_EVENT(end)
APP_EVENT(writable)
APP_EVENT(timer)
APP_EVENT(drain)

static inline void app_close(struct brood_stream *s, int why, void *arg)
{
	app.n_close++;
	app.why = why;
	app.stream = NULL;
	assert_int_equal(brood_stream_write(s, "late", 4), -EPIPE);	/* and harmless */
	brood_stream_timer(s, 1);
	brood_stream_close(s);
}

static const struct brood_stream_events app_events = {
	.size = sizeof(app_events), .open = app_open, .data = app_data, .writable = app_writable, .end = app_end,
	.close = app_close, .timer = app_timer, .drain = app_drain,
};
static const struct stream_service app_service = { &app_events, &app };

static inline void app_reset(void)
{
	memset(&app, 0, sizeof(app));
	app.on_end = brood_stream_close;
}

/* Connected, as a stream. Return: the client's end. */
static inline int join_stream(int buffer_bytes)
{
	struct ends ends = make_ends(buffer_bytes);

	fcntl(ends.theirs, F_SETFL, O_NONBLOCK);
	assert_int_equal(conn_open_stream(&table, ends.ours, &app_service, 3), 0);
	return ends.theirs;
}

static inline void turn_while(const unsigned *n, unsigned is)
{
	uint64_t until = clock_ms() + PATIENCE_MS;

	while (*n == is) {
		turn(5);
		assert_true(clock_ms() < until);
	}
}

static inline size_t echo(struct brood_stream *s, const char *data, size_t len)
{
	assert_int_equal(brood_stream_write(s, data, len), 0);
	return len;
}

static inline void stream_loop_begin(struct engine *e, const struct conn_limits *limits)
{
	loop_begin(e, limits ? limits : &loop_limits);
	app_reset();
}

static inline void stream_loop_end(void)
{
	turn_until_empty();
	assert_int_equal(app.n_open, app.n_close);
	assert_int_equal(table.n_streams, 0);
	assert_int_equal(table.streams.n_used, 0);
	loop_end();
}
