/* SPDX-License-Identifier: MIT */
/*
 * loop.h - a worker's loop around a table of connections, a service that does as it is asked, and clients
 *
 * TEST_ON_ENGINES(body) as in tests/engine: body runs on each engine, between loop_begin() and loop_end(),
 * which holds that nothing was left behind. Clients are sockets of the same process that do not block; the
 * loop is turned while they wait.
 */
#pragma once

#include "engine/engines.h"

#include "conn/conn.h"

#include <fcntl.h>
#include <poll.h>

#define TAKEN_BYTES_MAX (8 << 20)

static struct conn_table table;
static int loop_n_fds;

/* ---- the service ---- */

static struct {
	unsigned n_answered, n_closed;	/* requests that were finished; that ended by on_close */
	unsigned n_waiting;		/* begun and neither */
} counts;

/* What a request that is answered later needs to know. */
struct part {
	uint64_t left;		/* to stream */
	uint64_t at;
	uint64_t n_body;
	uint32_t sum;
	bool	 sized;
};

static inline struct span path_of(const struct brood_request *r)
{
	return r->head.path;
}

static inline bool asked(const struct brood_request *r, const char *path)
{
	return span_equal(path_of(r), span_of(path));
}

static inline uint64_t number_of(const struct brood_request *r, const char *key, uint64_t otherwise)
{
	char text[24] = "";

	if (http_query_get(r->head.query, span_of(key), text, sizeof(text) - 1) <= 0)
		return otherwise;
	return strtoull(text, NULL, 10);
}

static inline void on_part_closed(struct brood_request *r, void *arg)
{
	counts.n_closed++;
	counts.n_waiting--;
	free(arg);
}

static inline struct part *begin_part(struct brood_request *r)
{
	struct part *part = calloc(1, sizeof(*part));

	assert_non_null(part);
	counts.n_waiting++;
	r->on_close = on_part_closed;
	r->on_close_arg = part;
	return part;
}

/* The response is complete. From here on nothing of @part may be touched by anyone. */
static inline void end_part(struct part *part)
{
	counts.n_answered++;
	counts.n_waiting--;
	memset(part, 0xdd, sizeof(*part));
	free(part);
}

/* The token, or the path, comes back; so a response is known for whose it is. */
static inline void respond_token(struct brood_request *r)
{
	counts.n_answered++;
	exchange_respond(r, 200, SPAN("text/plain"), r->head.query.len ? r->head.query : path_of(r));
}

static inline void on_later(struct brood_request *r, void *arg)
{
	end_part(arg);
	exchange_respond(r, 200, SPAN("text/plain"), r->head.query);
}

static inline char letter_at(uint64_t at)
{
	return (char)('a' + at % 23);
}

static inline void stream(struct brood_request *r, void *arg)
{
	struct part *part = arg;
	char piece[8000];
	int error = 0;

	while (part->left > 0 && error == 0) {
		size_t n = part->left < sizeof(piece) ? part->left : sizeof(piece);

		for (size_t i = 0; i < n; i++)
			piece[i] = letter_at(part->at + i);
		error = exchange_write(r, (struct span){ piece, n });
		if (error < 0)
			break;
		part->at += n;
		part->left -= n;
	}
	if (error == -EAGAIN) {
		r->on_writable = stream;
		r->on_writable_arg = part;
	} else if (error == 0) {
		end_part(part);
		exchange_end(r);
	}
}

static inline void begin_stream(struct brood_request *r, bool sized)
{
	struct part *part = begin_part(r);

	part->left = number_of(r, "bytes", 100000);
	part->sized = sized;
	if (exchange_start(r, 200, SPAN("text/plain"), sized ? part->left : BROOD_UNKNOWN_LENGTH) == 0)
		stream(r, part);
}

static inline void on_echo(struct brood_request *r, const void *data, size_t len, void *arg)
{
	if (!r->started && exchange_start(r, 200, SPAN("text/plain"), BROOD_UNKNOWN_LENGTH) < 0)
		return;
	if (len > 0) {
		(void)exchange_write(r, (struct span){ data, len });
		return;
	}
	end_part(arg);
	exchange_end(r);
}

static inline void on_summed(struct brood_request *r, const void *data, size_t len, void *arg)
{
	const unsigned char *bytes = data;
	struct part *part = arg;
	char text[64];
	int n;

	part->n_body += len;
	for (size_t i = 0; i < len; i++)
		part->sum = part->sum * 31 + bytes[i];
	if (len > 0)
		return;
	n = snprintf(text, sizeof(text), "%llu %u", (unsigned long long)part->n_body, part->sum);
	end_part(part);
	exchange_respond(r, 200, SPAN("text/plain"), (struct span){ text, (size_t)n });
}

static inline void on_read_late(struct brood_request *r, void *arg)
{
	exchange_read_body(r, on_summed, arg);
}

/*
 *   /late?ms=N       after N ms
 *   /stream?bytes=N  chunked
 *   /sized?bytes=N   announced
 *   /echo            the body back, as it comes
 *   /sum             of the body
 *   /sum-late?ms=N   which is read after N ms
 *   /never           is not answered
 *   the rest         at once, the body unread
 */
static inline void answer(struct brood_request *r, void *ctx)
{
	if (asked(r, "/late"))
		exchange_set_timer(r, (uint32_t)number_of(r, "ms", 5), on_later, begin_part(r));
	else if (asked(r, "/stream"))
		begin_stream(r, false);
	else if (asked(r, "/sized"))
		begin_stream(r, true);
	else if (asked(r, "/echo"))
		exchange_read_body(r, on_echo, begin_part(r));
	else if (asked(r, "/sum"))
		exchange_read_body(r, on_summed, begin_part(r));
	else if (asked(r, "/sum-late"))
		exchange_set_timer(r, (uint32_t)number_of(r, "ms", 5), on_read_late, begin_part(r));
	else if (asked(r, "/never"))
		begin_part(r);
	else
		respond_token(r);
}

/* ---- the loop ---- */

static const struct conn_limits loop_limits = {
	.http = { 16384, 8192, HTTP_FIELDS_MAX, 16 << 20 },
	.header_timeout_ms = 10000,
	.body_timeout_ms = 30000,
	.idle_timeout_ms = 75000,
	.write_timeout_ms = 30000,
	.linger_timeout_ms = 2000,
	.n_conns = 4096,
};

static inline void dispatch_all(void)
{
	struct completion c;

	do {
		while (engine_next(table.engine, &c))
			if (c.op != OP_IGNORE)
				conn_on_completion(&table, &c);
	} while (conn_table_flush(&table));
}

/* As the worker's, with accepting left out. */
static inline void turn(uint64_t most_ms)
{
	uint64_t next = conn_table_next_ms(&table);
	uint64_t until = table.engine->now_ms + most_ms;

	assert_int_equal(engine_turn(table.engine, next < until ? next : until), 0);
	dispatch_all();
	conn_table_expire(&table);
	conn_table_flush(&table);
}

static inline void turn_for(uint64_t ms)
{
	uint64_t until = clock_ms() + ms;

	do
		turn(until > clock_ms() ? until - clock_ms() : 0);
	while (clock_ms() < until);
}

/* Turns until nothing is open. */
static inline void turn_until_empty(void)
{
	uint64_t until = clock_ms() + 2 * PATIENCE_MS;

	while (table.n_open > 0) {
		turn(20);
		assert_true(clock_ms() < until);
	}
}

static inline void loop_begin(struct engine *e, const struct conn_limits *limits)
{
	memset(&counts, 0, sizeof(counts));
	loop_n_fds = count_fds();
	assert_int_equal(conn_table_init(&table, e, limits, (struct service){ answer, NULL }), 0);
}

/* Every client has gone by now. */
static inline void loop_end(void)
{
	turn_until_empty();
	turn(0);
	assert_int_equal(counts.n_waiting, 0);
	assert_int_equal(table.n_busy, 0);
	assert_int_equal(table.blocks.n_used, 0);
	assert_int_equal(table.requests.n_used, 0);
	assert_int_equal(count_fds(), loop_n_fds);
	conn_table_finish(&table);
}

/* ---- clients ---- */

/* Connected and with the table. Return: the client's end. */
static inline int join(int buffer_bytes)
{
	struct ends ends = make_ends(buffer_bytes);

	fcntl(ends.theirs, F_SETFL, O_NONBLOCK);
	assert_int_equal(conn_open(&table, ends.ours), 0);
	return ends.theirs;
}

/* Sends all of it while the loop turns. */
static inline void tell_bytes(int fd, const char *text, size_t len)
{
	uint64_t until = clock_ms() + PATIENCE_MS;

	while (len > 0) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n > 0) {
			text += n;
			len -= (size_t)n;
			continue;
		}
		assert_true(n < 0 && errno == EAGAIN && clock_ms() < until);
		turn(5);
	}
}

static inline void tell(int fd, const char *text)
{
	tell_bytes(fd, text, strlen(text));
}

/* What one client has received. */
struct taken {
	size_t	len;
	bool	ended;		/* and the end of it was seen */
	int	error;
	char	text[TAKEN_BYTES_MAX + 1];
};

/* Takes what there is. Return: whether that was anything. */
static inline bool take(int fd, struct taken *taken)
{
	ssize_t n;
	bool any = false;

	while (!taken->ended && !taken->error) {
		assert_true(taken->len < TAKEN_BYTES_MAX);
		n = recv(fd, taken->text + taken->len, TAKEN_BYTES_MAX - taken->len, 0);
		if (n < 0 && errno == EAGAIN)
			break;
		any = true;
		taken->ended = n == 0;
		taken->error = n < 0 ? errno : 0;
		taken->len += n > 0 ? (size_t)n : 0;
	}
	taken->text[taken->len] = '\0';
	return any;
}

/* Turns and takes until the end, a reset, or nothing more within @quiet_ms. */
static inline void take_all(int fd, struct taken *taken, uint64_t quiet_ms)
{
	uint64_t until = clock_ms() + quiet_ms;

	while (!taken->ended && !taken->error && clock_ms() < until) {
		turn(1);
		if (take(fd, taken))
			until = clock_ms() + quiet_ms;
	}
}

/* Until @n bytes more are there. */
static inline void take_bytes(int fd, struct taken *taken, size_t n)
{
	uint64_t until = clock_ms() + PATIENCE_MS;
	size_t wanted = taken->len + n;

	while (taken->len < wanted) {
		(void)take(fd, taken);
		assert_true(clock_ms() < until && (taken->len >= wanted || (!taken->ended && !taken->error)));
		if (taken->len < wanted)
			turn(1);
	}
}

static inline void taken_clear(struct taken *taken)
{
	taken->len = 0;
	taken->ended = false;
	taken->error = 0;
	taken->text[0] = '\0';
}

static inline unsigned count_text(const char *text, const char *what)
{
	unsigned n = 0;

	for (const char *at = strstr(text, what); at; at = strstr(at + 1, what))
		n++;
	return n;
}

/* The Date differs from second to second: it is made the same, so that responses can be compared. */
static inline void stop_the_clock(struct taken *taken)
{
	for (char *at = strstr(taken->text, "\r\nDate: "); at; at = strstr(at + 1, "\r\nDate: "))
		memset(at + 8, '-', HTTP_DATE_LEN);
}
