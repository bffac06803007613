/* SPDX-License-Identifier: MIT */
/*
 * states - what a connection does, state by state
 *
 *   IDLE       between requests; nothing of the next one has come
 *   HEAD       a part of a request's head has come
 *   BODY       a request's body is being read: for the handler, or to be discarded
 *   HANDLING   the handler has the request and has not answered; further input is held
 *   STREAM     not HTTP: what comes is the application's (stream.c)
 *   SENDING    no request will follow; the rest of the output goes out, further input is discarded
 *   LINGERING  all is sent and our side is shut; input is discarded so that no reset destroys the answer
 *   CLOSING    waiting for the last completions
 *
 * Output may be under way in each of them: a connection that is IDLE with output is between two requests
 * whose client still takes the first answer. A write that makes no progress ends any of them.
 */
#include "conn/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <linux/tcp.h>
#include <stddef.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define STATE_FIN_WAIT2	5	/* of tcp_info; linux/tcp.h has the struct and not the numbers */
/*
 * How long a connection that is to be closed must have been quiet: one that has asked, three times as long as it
 * ever was between two requests, within these, because who is slow, or has no time on a busy machine, asks late.
 */
#define QUIET_MS	250
#define QUIET_MOST_MS	1000
#define QUIET_FIRST_MS	500	/* one that was accepted and has not asked yet */
#define LINGER_QUIET_MS	100	/* one that has its last answer, and has only to close */

static void read_head(struct conn_table *table, struct conn *c, struct span *in)
{
	struct brood_request *r = request_create(table, c);
	int verdict;

	if (!r) {
		conn_reset(table, c);
		return;
	}
	verdict = http_head_parse(*in, &table->limits.http, &r->head);
	if (verdict == HTTP_DONE) {
		*in = span_skip(*in, r->head.bytes);
		request_begin(r, *in);
		return;
	}
	if (verdict == HTTP_MORE) {
		request_destroy(r);
		if (c->state == CONN_IDLE)
			conn_enter(table, c, CONN_HEAD);
		return;
	}
	account_unread(table, c, *in, verdict, refusal_bytes(verdict, r->head.method == HTTP_HEAD));
	request_refuse(table, c, r, verdict);
}

static void read_body(struct conn_table *table, struct conn *c, struct span *in)
{
	request_take_body(c->request, in);
}

static void discard(struct conn_table *table, struct conn *c, struct span *in)
{
	c->discarded_bytes += (uint32_t)in->len;
	in->len = 0;
	if (c->discarded_bytes > LINGER_MOST)
		conn_close(table, c);
}

static void refuse_408(struct conn_table *table, struct conn *c)
{
	conn_counters(table, c)->timeouts++;
	request_refuse(table, c, c->request, 408);
}

static bool input_waits(const struct conn *c)
{
	int n = 0;

	return ioctl(c->fd, FIONREAD, &n) == 0 && n > 0;
}

static void close_idle(struct conn_table *table, struct conn *c)
{
	if (input_waits(c)) {	/* a request came with the deadline */
		c->heard_ms = c->since_ms = table->engine->now_ms;
		return;
	}
	if (!table->draining)
		conn_counters(table, c)->timeouts++;
	conn_close(table, c);
}

/* Of a UNIX socket: bytes that the client has not read. Return: -1 = it is none. */
static int unread_locally(const struct conn *c)
{
	int domain = 0, n = -1;
	socklen_t len = sizeof(domain);

	if (getsockopt(c->fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0 || domain != AF_UNIX)
		return -1;
	return ioctl(c->fd, SIOCOUTQ, &n) == 0 ? n : -1;
}

/* Has the client's kernel all we sent, our end included? Then no reset can destroy any of it. */
static bool farewell_arrived(const struct conn *c)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	if (getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return unread_locally(c) == 0;
	return info.tcpi_state == STATE_FIN_WAIT2;
}

static void end_linger(struct conn_table *table, struct conn *c)
{
	uint64_t now_ms = table->engine->now_ms;

	if (now_ms < c->since_ms + table->limits.linger_timeout_ms && !farewell_arrived(c))
		c->heard_ms = now_ms;	/* draining, and it is quiet, but the answer is still on its way */
	else
		conn_close(table, c);
}

/* The client half-closed: what it asked is still answered. */
static void answer_the_rest(struct conn_table *table, struct conn *c)
{
	if (c->output.n_bytes == 0 && !c->hold)
		conn_close(table, c);
}

/* The same within a head, which will now never be whole: first what waited for room to be parsed. */
static void give_up_head(struct conn_table *table, struct conn *c)
{
	conn_resume(table, c);
	if (c->state != CONN_HEAD || !conn_takes_input(c))
		return;
	conn_drop_hold(table, c);
	c->closing = true;	/* once the answers before it are out */
}

static void abandon(struct conn_table *table, struct conn *c)
{
	conn_resume(table, c);
	if (c->state == CONN_BODY && conn_takes_input(c))
		request_break_off(c->request);
}

/*
 * While somebody works for its request elsewhere, a client that says it is done is taken to have left, because most
 * have: one that only half-closes cannot be told apart, and the work may be long.
 */
static void leave_companions(struct conn_table *table, struct conn *c)
{
	if (c->request && c->request->companions)
		conn_close(table, c);
}

static void nothing(struct conn_table *table, struct conn *c)
{
}

static void hold_input(struct conn_table *table, struct conn *c, struct span *in)
{
}

#define CONN_STATES(X)									\
	/* state     on_received  on_sent     on_ended         on_timeout       */	\
	X(IDLE,      read_head,   nothing,    answer_the_rest, close_idle)		\
	X(HEAD,      read_head,   nothing,    give_up_head,    refuse_408)		\
	X(BODY,      read_body,   nothing,    abandon,         refuse_408)		\
	X(HANDLING,  hold_input,  nothing,    leave_companions, nothing)			\
	X(STREAM,    stream_take, stream_on_sent, stream_on_ended, stream_on_idle)	\
	X(SENDING,   discard,     conn_leave, nothing,         conn_reset)		\
	X(LINGERING, discard,     nothing,    conn_close,      end_linger)		\
	X(CLOSING,   hold_input,  nothing,    nothing,         nothing)

const struct conn_row conn_states[] = {
#define ROW(state, received, sent, ended, timeout) \
	[CONN_##state] = { #state, received, sent, ended, timeout },
	CONN_STATES(ROW)
#undef ROW
};

/* ---- time ---- */

void conn_enter(struct conn_table *table, struct conn *c, enum conn_state state)
{
	c->state = state;
	c->since_ms = table->engine->now_ms;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* When a connection that is to be closed has been quiet for long enough. */
static uint64_t quiet_at(const struct conn *c)
{
	uint64_t quiet_ms = earlier(later(QUIET_MS, 3 * c->gap_ms), QUIET_MOST_MS);

	return later(c->heard_ms, c->since_ms) + (c->served ? quiet_ms : QUIET_FIRST_MS);
}

static uint64_t idle_until(const struct conn_table *table, const struct conn *c)
{
	const struct conn_limits *limits = &table->limits;
	uint64_t until_ms = c->since_ms + (c->served ? limits->idle_timeout_ms : limits->header_timeout_ms);

	if (table->draining)
		return quiet_at(c);
	return earlier(until_ms, later(c->old_ms, quiet_at(c)));
}

/* A drain does not wait for a client that has its answer, is quiet, and just does not close. */
static uint64_t linger_until(const struct conn_table *table, const struct conn *c)
{
	uint64_t until_ms = c->since_ms + table->limits.linger_timeout_ms;
	uint64_t quiet_ms = later(c->heard_ms, c->since_ms) + LINGER_QUIET_MS;

	return table->draining || table->leaving ? earlier(quiet_ms, until_ms) : until_ms;
}

static uint64_t write_timeout_ms(const struct conn_table *table, const struct conn *c)
{
	if (!c->stream)
		return table->limits.write_timeout_ms;
	return c->stream->write_ms ? c->stream->write_ms : WHEEL_NEVER / 2;
}

/*
 * The next look at output that waits, at the quarters of its time: a large send completes late, not slowly,
 * so only the client's acknowledgements tell. What it says meanwhile buys it nothing.
 */
static uint64_t look_at(const struct conn_table *table, const struct conn *c)
{
	uint64_t quarter_ms = write_timeout_ms(table, c) / 4 + 1;
	uint64_t look_ms = c->moved_ms + quarter_ms;

	while (look_ms <= table->engine->now_ms)
		look_ms += quarter_ms;
	return look_ms;
}

static uint64_t deadline_of(const struct conn_table *table, const struct conn *c)
{
	const struct conn_limits *limits = &table->limits;

	switch ((enum conn_state)c->state) {
	case CONN_HEAD:
		return c->since_ms + limits->header_timeout_ms;
	case CONN_LINGERING:
		return linger_until(table, c);
	case CONN_CLOSING:
		return WHEEL_NEVER;
	case CONN_IDLE:
	case CONN_BODY:
	case CONN_HANDLING:
	case CONN_STREAM:
	case CONN_SENDING:
		break;
	}
	if (c->output.n_bytes > 0)
		return look_at(table, c);
	if (c->state == CONN_STREAM)
		return stream_deadline(c);
	if (c->state == CONN_IDLE)
		return idle_until(table, c);
	if (c->state != CONN_BODY)
		return WHEEL_NEVER;
	return later(c->heard_ms, c->since_ms) + limits->body_timeout_ms;
}

/* Has the client acknowledged anything since the last look? */
static bool takes_output(struct conn *c)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);
	uint32_t before = c->acked;

	if (getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0) {
		/* what it reads we send after, so this seldom stays as it is */
		c->acked = (uint32_t)unread_locally(c);
		return c->acked != before;
	}
	c->acked = (uint32_t)info.tcpi_bytes_acked;
	return c->acked != before;
}

void conn_on_timeout(struct conn_table *table, struct conn *c)
{
	uint64_t now_ms = table->engine->now_ms;

	if (c->output.n_bytes == 0 || c->state == CONN_HEAD) {
		conn_states[c->state].on_timeout(table, c);
	} else if (takes_output(c)) {
		c->moved_ms = now_ms;
	} else if (now_ms >= c->moved_ms + write_timeout_ms(table, c)) {
		conn_counters(table, c)->timeouts++;
		if (c->stream)
			c->stream->why = -ETIMEDOUT;
		conn_reset(table, c);
	}
	conn_settle(table, c);
}

/* ---- after every event ---- */

static void settle_receiving(struct conn_table *table, struct conn *c)
{
	size_t most = HOLD_MOST + table->limits.http.head_bytes;	/* a head that may come must fit */
	bool wanted = !c->ended && conn_held_bytes(c) < most && !(c->state == CONN_SENDING && c->polite) &&
		      !conn_shed_awaits_output(table, c);
	struct tag tag = { CONN_OWNER, c->generation, c->index };

	if (wanted && !c->receiving) {
		c->receiving = true;
		c->once = !c->served;	/* a client of one request then needs no cancelling: see close.c */
		engine_recv(table->engine, c->fd, tag, c->once);
	} else if (!wanted && c->receiving && !c->stopping && !c->ended) {
		c->stopping = true;
		engine_recv_stop(table->engine, c->fd, tag);
	}
}

void conn_settle_busy(struct conn_table *table, struct conn *c)
{
	bool busy = c->fd >= 0 && !c->admin && c->state != CONN_CLOSING && (c->request || c->output.n_bytes > 0);

	if (busy == c->busy)
		return;
	c->busy = busy;
	table->n_busy += busy ? 1 : -1u;
}

void conn_settle(struct conn_table *table, struct conn *c)
{
	c->unsettled = false;
	if (c->request && c->request->broken)	/* no memory: what was begun cannot be completed any more */
		conn_reset(table, c);
	if (c->ended && (c->state == CONN_HEAD || c->state == CONN_BODY))	/* come to behind its end */
		conn_states[c->state].on_ended(table, c);
	if (c->ended && !c->hold && !c->request && c->state <= CONN_HEAD)
		c->closing = true;
	if (c->closing && !c->request && c->state <= CONN_BODY)
		conn_enter(table, c, CONN_SENDING);
	if (c->state == CONN_SENDING && c->output.n_bytes == 0)
		conn_leave(table, c);
	conn_settle_busy(table, c);
	if (c->fd < 0 || c->state == CONN_CLOSING)
		return;
	if (conn_shed_settle(table, c))
		return;
	settle_receiving(table, c);
	wheel_set(&table->deadlines, &c->timer, deadline_of(table, c));
}
