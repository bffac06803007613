/* SPDX-License-Identifier: MIT */
/*
 * stream - a connection that does not speak HTTP: what comes is the application's, and so is what goes
 *
 * It lies over a connection in CONN_STREAM, which has its own limits, deadlines and back-pressure. The application
 * is called from the loop alone, never from a function it calls: those note what is due, and the end of the turn
 * sees to it (stream_follow_up). When the stream is over the connection goes on without it until what was written
 * is out.
 *
 * Each side ends by itself. Ours is shut behind the last byte that was written; when both are, or the application
 * closes it, or the connection fails, it is told of the close, once, and the stream is gone.
 */
#include "conn/conn.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

struct data_call {
	struct span	in;
	size_t		n_taken;
};

/* Which event: all but data and close are called alike. */
typedef void event_fn(struct brood_stream *stream, void *arg);

static void run_data(struct brood_stream *s, void *call)
{
	struct data_call *data = call;

	data->n_taken = s->service->events->data(s, data->in.at, data->in.len, s->service->arg);
}

static void run_event(struct brood_stream *s, void *call)
{
	event_fn *const *fn = call;

	(*fn)(s, s->service->arg);
}

static void run_close(struct brood_stream *s, void *call)
{
	s->service->events->close(s, s->why, s->service->arg);
}

/* ---- its end ---- */

/* The application is told and the stream is gone; the connection is not. */
static void release(struct brood_stream *s)
{
	struct conn_table *table = s->table;

	s->conn->stream = NULL;
	s->closing = true;	/* whatever it still writes goes nowhere */
	if (s->opened && s->service->events->close)
		(void)call_stream(s, run_close, NULL);	/* a fault costs nothing that is not lost already */
	if (list_linked(&s->timer.link))
		wheel_set(&table->stream_timers, &s->timer, WHEEL_NEVER);
	table->n_streams--;
	pool_give(&table->streams, s);
}

/* What is unsent still goes out. */
static void finish(struct brood_stream *s, int why)
{
	struct conn_table *table = s->table;
	struct conn *c = s->conn;

	s->why = why;
	release(s);
	conn_drop_hold(table, c);
	c->closing = true;
	c->unsettled = true;
	conn_enter(table, c, CONN_SENDING);
}

static void fail(struct brood_stream *s, int why)
{
	s->why = why;
	conn_reset(s->table, s->conn);
}

void stream_abort(struct conn_table *table, struct conn *c)
{
	struct brood_stream *s = c->stream;

	if (s->why == 0)
		s->why = -ECONNRESET;
	release(s);
}

/* ---- calling ---- */

/* Return: whether the stream is still there: it is not if the application faulted, has closed it or broken it. */
static bool call(struct brood_stream *s, stream_fn *fn, void *what)
{
	if (!call_stream(s, fn, what)) {
		s->opened = false;	/* what its close event would free may be what is broken */
		fail(s, -EFAULT);
		return false;
	}
	if (s->broken)
		fail(s, -ENOMEM);
	else if (s->closing)
		finish(s, 0);
	else
		return true;
	return false;
}

static bool call_event(struct brood_stream *s, event_fn *fn)
{
	return fn ? call(s, run_event, &fn) : true;
}

/* ---- input ---- */

bool stream_takes_input(const struct conn *c)
{
	return !c->stream->paused && !c->stream->closing && c->output.n_bytes <= OUTPUT_HIGH;
}

bool stream_wants(const struct brood_stream *s, size_t n)
{
	return n > s->declined;
}

void stream_take(struct conn_table *table, struct conn *c, struct span *in)
{
	struct brood_stream *s = c->stream;
	struct data_call data = { .in = *in };

	if (data.in.len > HOLD_MOST)
		data.in.len = HOLD_MOST;	/* so that what is answered to it has a bound as well */
	if (!call(s, run_data, &data)) {
		in->len = 0;
		return;
	}
	if (data.n_taken > data.in.len)
		data.n_taken = data.in.len;
	*in = span_skip(*in, data.n_taken);
	s->declined = data.n_taken > 0 ? 0 : (uint32_t)in->len;
	if (s->declined >= HOLD_MOST)
		fail(s, -EMSGSIZE);
}

static void shut_when_sent(struct brood_stream *s)
{
	struct conn *c = s->conn;

	if (!s->finishing || s->shut || c->output.n_bytes > 0)
		return;
	s->shut = true;
	(void)shutdown(c->fd, SHUT_WR);		/* fails only if the client is gone, which is told otherwise */
	if (s->ended)
		finish(s, 0);
}

/* The client's end, behind all it has sent; of that the application may decline the rest. */
static void tell_end(struct conn_table *table, struct conn *c)
{
	struct brood_stream *s = c->stream;
	event_fn *end = s->service->events->end;

	if (!c->ended || s->ended)
		return;
	conn_resume(table, c);
	if (c->stream != s || !stream_takes_input(c))
		return;
	conn_drop_hold(table, c);
	s->ended = true;
	s->finishing |= end == NULL;
	if (call_event(s, end) && s->shut)
		finish(s, 0);
}

void stream_on_ended(struct conn_table *table, struct conn *c)
{
	struct brood_stream *s = c->stream;

	tell_end(table, c);
	if (c->stream == s)
		shut_when_sent(s);
}

/* ---- output ---- */

void stream_on_sent(struct conn_table *table, struct conn *c)
{
	shut_when_sent(c->stream);
}

void stream_on_room(struct conn_table *table, struct conn *c)
{
	if (c->stream->refused || c->ended)
		conn_mark_dirty(table, c);
}

int stream_write(struct brood_stream *s, struct span data)
{
	struct output *out = &s->conn->output;

	if (s->closing || s->finishing)
		return -EPIPE;
	if (out->n_bytes > OUTPUT_HIGH) {
		s->refused = true;
		return -EAGAIN;
	}
	s->broken = output_append(s->table, out, data.at, data.len) < 0;
	s->closing = s->broken;
	conn_mark_dirty(s->table, s->conn);
	return s->broken ? -ENOMEM : 0;
}

int stream_end(struct brood_stream *s)
{
	if (s->closing || s->finishing)
		return -EPIPE;
	s->finishing = true;
	conn_mark_dirty(s->table, s->conn);
	return 0;
}

void stream_close(struct brood_stream *s)
{
	if (s->closing)
		return;
	s->closing = true;
	conn_mark_dirty(s->table, s->conn);
}

/* ---- what is due ---- */

static bool tell_drain(struct brood_stream *s)
{
	if (!s->drain_due)
		return true;
	s->drain_due = false;
	return call_event(s, s->service->events->drain);
}

static bool tell_room(struct brood_stream *s)
{
	if (!s->refused || s->conn->output.n_bytes > OUTPUT_LOW)
		return true;
	s->refused = false;
	return call_event(s, s->service->events->writable);
}

static void nothing(struct brood_stream *s, void *what)
{
}

void stream_follow_up(struct conn_table *table, struct conn *c)
{
	struct brood_stream *s = c->stream;

	if (s->closing) {	/* by another's callback */
		(void)call(s, nothing, NULL);
		return;
	}
	if (!tell_drain(s) || !tell_room(s))
		return;
	tell_end(table, c);
	if (c->stream == s)
		shut_when_sent(s);
}

void stream_on_drain(struct conn_table *table, struct conn *c)
{
	struct brood_stream *s = c->stream;

	if (s->drain_told)
		return;
	s->drain_told = s->drain_due = true;
	conn_mark_dirty(table, c);
}

/* ---- time ---- */

void stream_pause(struct brood_stream *s, bool paused)
{
	s->paused = paused;
	s->declined = 0;
	if (!s->closing)
		conn_mark_dirty(s->table, s->conn);
}

void stream_set_timer(struct brood_stream *s, uint32_t ms)
{
	/* never in the same turn: one that is set anew each time it goes off must not hold the loop */
	if (!s->closing)
		wheel_set(&s->table->stream_timers, &s->timer, s->table->engine->now_ms + (ms > 0 ? ms : 1));
}

void stream_on_timer(struct brood_stream *s)
{
	struct conn_table *table = s->table;
	struct conn *c = s->conn;

	(void)call_event(s, s->service->events->timer);
	if (c->fd >= 0)
		conn_mark_dirty(table, c);
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

uint64_t stream_deadline(const struct conn *c)
{
	if (c->stream->idle_ms == 0)
		return WHEEL_NEVER;
	return later(later(c->heard_ms, c->since_ms), c->moved_ms) + c->stream->idle_ms;
}

void stream_on_idle(struct conn_table *table, struct conn *c)
{
	int n = 0;

	/* something came with the deadline */
	if (!c->stream->paused && ioctl(c->fd, FIONREAD, &n) == 0 && n > 0) {
		c->heard_ms = table->engine->now_ms;
		return;
	}
	table->counters.timeouts++;
	finish(c->stream, -ETIMEDOUT);
}

/* ---- its beginning ---- */

static struct brood_stream *create(struct conn_table *table, struct conn *c, const struct stream_service *service,
				   unsigned listener)
{
	struct brood_stream *s = pool_take(&table->streams);

	if (!s)
		return NULL;
	*s = (struct brood_stream){
		.table = table, .conn = c, .service = service, .listener = listener, .opened = true,
		.idle_ms = table->limits.idle_timeout_ms, .write_ms = table->limits.write_timeout_ms,
	};
	table->n_streams++;
	return s;
}

bool stream_open(struct conn_table *table, struct conn *c, const struct stream_service *service, unsigned listener)
{
	struct brood_stream *s = create(table, c, service, listener);

	if (!s)
		return false;
	c->stream = s;
	c->served = true;	/* so that receiving is multishot from the beginning */
	c->heard_ms = table->engine->now_ms;
	conn_enter(table, c, CONN_STREAM);
	if (table->draining || table->leaving)
		stream_on_drain(table, c);
	(void)call_event(s, service->events->open);
	conn_settle(table, c);
	return true;
}
