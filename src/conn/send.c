/* SPDX-License-Identifier: MIT */
/*
 * send - the queue goes out
 *
 * A connection with output is marked and sent at the end of the turn, so that all responses of the turn
 * leave together, and at most one send is under way: a later one could overtake it. What is appended
 * meanwhile goes with the next.
 */
#include "conn/conn.h"

#include "base/metrics.h"

#include <errno.h>

void conn_mark_dirty(struct conn_table *table, struct conn *c)
{
	c->unsettled = true;
	if (!c->sending && !c->awaits_room)
		c->moved_ms = table->engine->now_ms;
	if (c->dirty)
		return;
	c->dirty = true;
	c->next = table->dirty;
	table->dirty = c;
}

static void on_all_sent(struct conn_table *table, struct conn *c)
{
	conn_states[c->state].on_sent(table, c);
}

/* Room again: the handler may write, and held input is taken up at the end of the turn. */
static void on_room(struct conn_table *table, struct conn *c)
{
	struct brood_request *r = c->request;

	if (c->hold)
		conn_mark_dirty(table, c);
	if (c->stream)
		stream_on_room(table, c);
	if (r && r->on_writable) {
		brood_event_fn *fn = r->on_writable;

		r->on_writable = NULL;
		request_call(r, fn, r->on_writable_arg);
	}
}

static void account_sent(struct conn_table *table, struct conn *c, uint64_t n)
{
	c->unsettled = true;
	if (METRICS)
		conn_counters(table, c)->sent += n;
	output_consume(table, &c->output, n);
	if (c->output.n_bytes == 0)
		measure_sent(table, c);
	if (c->output.n_bytes <= OUTPUT_LOW)
		on_room(table, c);
	if (c->state == CONN_CLOSING)
		return;
	if (c->output.n_bytes == 0)
		on_all_sent(table, c);
	else
		conn_mark_dirty(table, c);
}

static void send_file(struct conn_table *table, struct conn *c)
{
	struct piece *piece = c->output.first;
	bool full;
	ssize_t n = engine_sendfile(table->engine, c->fd, (struct tag){ CONN_OWNER, c->generation, c->index },
				    piece->file_fd, &piece->offset, piece->left, &full);

	c->awaits_room = full;
	if (n > 0 && (uint64_t)n == c->output.n_bytes)
		measure_clock(table);
	if (n > 0)
		account_sent(table, c, (uint64_t)n);
	else if (!full)
		conn_reset(table, c);	/* an error, or the file has shrunk: what was announced cannot follow */
}

/* Is this the end of what is ever said here, to a client that asked for the end? */
static bool is_last(const struct conn *c)
{
	return c->state == CONN_SENDING && c->polite && !c->receiving;
}

static void send_bytes(struct conn_table *table, struct conn *c)
{
	struct iovec iov[ENGINE_IOV_MAX];
	struct piece *piece = c->output.first;
	int n = 0;

	for (; piece && piece->data && n < ENGINE_IOV_MAX; piece = piece->next)
		iov[n++] = (struct iovec){ piece->data + piece->begin, piece->end - piece->begin };
	c->sending = true;
	c->farewell = !piece && is_last(c);
	engine_send(table->engine, c->fd, (struct tag){ CONN_OWNER, c->generation, c->index }, iov, n,
		    c->farewell ? SEND_THEN_CLOSE : SEND_THEN_WAIT);
}

void conn_send(struct conn_table *table, struct conn *c)
{
	if (c->sending || c->awaits_room || c->output.n_bytes == 0)
		return;
	if (c->output.first->data)
		send_bytes(table, c);
	else
		send_file(table, c);
}

/*
 * Room for more of a file is progress. For bytes that were refused it is none yet: who takes none is not waited
 * for.
 */
static void on_writable(struct conn_table *table, struct conn *c)
{
	uint64_t moved_ms = c->moved_ms;

	c->awaits_room = false;
	conn_mark_dirty(table, c);
	if (c->output.first && c->output.first->data)
		c->moved_ms = moved_ms;
}

void conn_on_send(struct conn_table *table, struct conn *c, const struct completion *completion)
{
	if (completion->op == OP_WRITABLE) {
		on_writable(table, c);
		return;
	}
	c->sending = false;
	c->closed = c->farewell && completion->res >= 0 && (uint64_t)completion->res == c->output.n_bytes;
	c->farewell = false;
	if (c->state == CONN_CLOSING)
		return;
	if (completion->res == -EAGAIN) {	/* the kernel has tried often enough */
		c->awaits_room = true;
		engine_await_room(table->engine, c->fd, completion->tag);
	} else if (completion->res < 0) {
		conn_close(table, c);
	} else {
		account_sent(table, c, (uint64_t)completion->res);
	}
}
