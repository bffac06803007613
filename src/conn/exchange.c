/* SPDX-License-Identifier: MIT */
/*
 * exchange - how a request is answered
 *
 * The head of the response is rendered into the output when it starts; the body follows as it is
 * written. Nothing is sent here: the connection is marked and goes out with the turn.
 */
#include "conn/conn.h"

#include "base/metrics.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define RENDER_MOST (BLOCK_BYTES / 2)

/* Does the connection end with this response? Its head has to say so. */
static bool must_close(const struct brood_request *r)
{
	const struct conn *c = r->conn;

	if (!r->head.keep_alive || c->closing)
		return true;
	if (c->n_requests == r->table->limits.conn_requests || r->table->engine->now_ms >= c->old_ms)
		return true;
	if (r->body_state == BODY_UNREAD && r->continue_due)
		return true;
	if (r->body_state == BODY_UNREAD && r->head.content_length > DISCARD_MOST)
		return true;
	if (!r->table->draining)
		return false;
	/* a pipelined request behind this one would be lost by a close: it gets the last word instead */
	if (r->body_state != BODY_NONE)
		return r->head.chunked || !r->followed;
	return !(r->followed || conn_held_bytes(c) > 0);
}

static int append_head(struct brood_request *r, const struct http_response *response)
{
	struct output *out = &r->conn->output;
	size_t most = HTTP_RESPONSE_BYTES + response->type.len + response->fields.len;
	char *to;
	int error;

	if (most <= RENDER_MOST) {
		to = output_reserve(r->table, out, most);
		if (!to)
			return -ENOMEM;
		output_commit(out, http_response_render(to, response));
		return 0;
	}
	to = malloc(most);	/* long fields: rare */
	if (!to)
		return -ENOMEM;
	error = output_append(r->table, out, to, http_response_render(to, response));
	free(to);
	return error;
}

static int start(struct brood_request *r, int status, struct span type, struct span fields, uint64_t length)
{
	struct conn *c = r->conn;
	bool unknown = length == BROOD_UNKNOWN_LENGTH;
	bool bodied = http_status_has_body(status);
	struct http_response response = {
		.status = status,
		.chunked = unknown && bodied && r->head.minor > 0,
		.no_length = !bodied || (unknown && r->head.minor == 0),
		.content_length = unknown ? 0 : length,
		.type = type,
		.fields = fields,
		.date = conn_table_date(r->table),
	};

	if (r->started || r->finished)
		return -EALREADY;
	if (status < 200 || status > 599)
		return -EINVAL;
	response.close = must_close(r) || (unknown && r->head.minor == 0);
	response.keep_alive = r->head.minor == 0 && !response.close;
	if (append_head(r, &response) < 0) {
		r->broken = true;
		conn_mark_dirty(r->table, c);
		return -ENOMEM;
	}
	if (METRICS)
		conn_counters(r->table, c)->responses[status / 100]++;
	c->closing = response.close;
	r->started = true;
	r->status = (uint16_t)status;
	r->continue_due = r->continue_due && response.close;
	r->chunked = response.chunked;
	r->bodiless = !bodied || r->head.method == HTTP_HEAD;
	r->left = length;
	conn_mark_dirty(r->table, c);
	return 0;
}

int exchange_start(struct brood_request *r, int status, struct span type, uint64_t length)
{
	return start(r, status, type, (struct span){ r->fields, r->n_fields_bytes }, length);
}

static void finish(struct brood_request *r)
{
	r->finished = true;
	if (!r->inside)
		request_conclude(r);
}

/* After start() returned @error. Without memory the response is broken, but as final as any. */
static int finish_with(struct brood_request *r, int error, struct span body)
{
	if (error < 0 && error != -ENOMEM)
		return error;
	if (error == 0 && !r->bodiless) {
		error = output_append(r->table, &r->conn->output, body.at, body.len);
		r->body_bytes = body.len;
	}
	r->broken = error < 0;
	finish(r);
	return error;
}

int exchange_start_prepared(struct brood_request *r, int status, struct span fields, uint64_t length)
{
	return start(r, status, SPAN_NULL, fields, length);
}

int exchange_respond_prepared(struct brood_request *r, int status, struct span fields, struct span body)
{
	return finish_with(r, start(r, status, SPAN_NULL, fields, body.len), body);
}

int exchange_respond(struct brood_request *r, int status, struct span type, struct span body)
{
	return finish_with(r, exchange_start(r, status, type, body.len), body);
}

int exchange_respond_status(struct brood_request *r, int status)
{
	struct span reason = http_reason(status);
	char text[64];
	int n = snprintf(text, sizeof(text), "%d %.*s\n", status, (int)reason.len, reason.at);

	if (!http_status_has_body(status))
		n = 0;
	return exchange_respond(r, status, n > 0 ? SPAN("text/plain") : SPAN_NULL,
				(struct span){ text, (size_t)n });
}

/* ---- field lines ---- */

static bool is_ours(struct span name)
{
	static const char *const ours[] = { "content-length", "transfer-encoding", "connection", "date" };

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (span_equal_nocase(name, span_of(ours[i])))
			return true;
	return false;
}

int exchange_set_field(struct brood_request *r, struct span name, struct span value)
{
	size_t n = name.len + value.len + 4;
	char *to;

	if (r->started)
		return -EALREADY;
	if (!http_field_valid(name, value) || is_ours(name))
		return -EINVAL;
	if (r->n_fields_bytes + n > FIELDS_MOST)
		return -ENOSPC;
	if (!r->fields)
		r->fields = pool_take(&r->table->blocks);
	if (!r->fields)
		return -ENOSPC;
	to = r->fields + r->n_fields_bytes;
	memcpy(to, name.at, name.len);
	memcpy(to + name.len, ": ", 2);
	memcpy(to + name.len + 2, value.at, value.len);
	memcpy(to + n - 2, "\r\n", 2);
	r->n_fields_bytes += (uint32_t)n;
	return 0;
}

/* ---- the body ---- */

/* May @n bytes be written? Return: 0 or the error; *ret_skip: they are left out. */
static int check_write(struct brood_request *r, uint64_t n, bool *ret_skip)
{
	if (!r->started || r->finished || r->broken)
		return -EPIPE;
	if (r->left != BROOD_UNKNOWN_LENGTH && n > r->left)
		return -EMSGSIZE;
	*ret_skip = r->bodiless || n == 0;
	return 0;
}

static int append_chunk_head(struct brood_request *r, uint64_t n)
{
	char *to = output_reserve(r->table, &r->conn->output, 32);

	if (!to)
		return -ENOMEM;
	output_commit(&r->conn->output, http_chunk_head(to, n));
	return 0;
}

/* After @n bytes were appended, or failed to be. */
static int account_write(struct brood_request *r, uint64_t n, int error)
{
	conn_mark_dirty(r->table, r->conn);
	r->broken = error < 0;
	if (!r->broken && !r->bodiless)
		r->body_bytes += n;
	if (!r->broken && r->left != BROOD_UNKNOWN_LENGTH)
		r->left -= n;
	return error;
}

int exchange_write(struct brood_request *r, struct span data)
{
	struct output *out = &r->conn->output;
	bool skip = true;
	int error = check_write(r, data.len, &skip);

	if (error == 0 && out->n_bytes > OUTPUT_HIGH)
		error = -EAGAIN;
	if (error < 0)
		return error;
	if (!skip && r->chunked)
		error = append_chunk_head(r, data.len);
	if (!skip && error == 0)
		error = output_append(r->table, out, data.at, data.len);
	if (!skip && error == 0 && r->chunked)
		error = output_append(r->table, out, "\r\n", 2);
	return account_write(r, data.len, error);
}

int exchange_write_borrowed(struct brood_request *r, struct span data, void (*release)(void *arg), void *arg)
{
	bool skip = true;
	int error = check_write(r, data.len, &skip);

	if (error == 0 && r->chunked)
		error = -EINVAL;	/* for responses of known length only */
	if (error < 0 || skip) {
		if (release)
			release(arg);
		return error < 0 ? error : account_write(r, data.len, 0);
	}
	error = output_append_borrowed(r->table, &r->conn->output, data.at, data.len, release, arg);
	return account_write(r, data.len, error);
}

int exchange_write_file(struct brood_request *r, int file_fd, uint64_t offset, uint64_t len,
			void (*release)(void *arg), void *arg)
{
	bool skip = true;
	int error = check_write(r, len, &skip);

	if (error == 0 && r->chunked)
		error = -EINVAL;
	if (error < 0 || skip) {
		if (release)
			release(arg);
		return error < 0 ? error : account_write(r, len, 0);
	}
	error = output_append_file(r->table, &r->conn->output, file_fd, offset, len, release, arg);
	return account_write(r, len, error);
}

int exchange_end(struct brood_request *r)
{
	struct conn *c = r->conn;

	if (!r->started || r->finished)
		return -EPIPE;
	if (r->chunked && !r->bodiless && output_append(r->table, &c->output, "0\r\n\r\n", 5) < 0)
		c->closing = true;
	if (!r->chunked && !r->bodiless && r->left > 0 && r->left != BROOD_UNKNOWN_LENGTH) {
		c->closing = true;	/* fewer bytes than announced: only the close tells */
		c->polite = false;
	}
	finish(r);
	return 0;
}

/* ---- reading the body, time ---- */

int exchange_read_body(struct brood_request *r, brood_body_fn *fn, void *arg)
{
	struct conn *c = r->conn;

	if (r->finished)
		return -EPIPE;
	if (r->on_body)
		return -EALREADY;
	r->on_body = fn;
	r->on_body_arg = arg;
	if (r->continue_due && !r->started) {
		r->broken = output_append(r->table, &c->output, "HTTP/1.1 100 Continue\r\n\r\n", 25) < 0;
		conn_mark_dirty(r->table, c);
	}
	r->continue_due = false;
	if (r->body_state == BODY_NONE)		/* none: its end still has to be told, but not from in here */
		http_body_init(&r->body, &r->head, 0);
	r->body_state = BODY_READING;
	if (!r->inside) {
		conn_enter(r->table, c, CONN_BODY);
		conn_mark_dirty(r->table, c);
	}
	return 0;
}

void exchange_set_timer(struct brood_request *r, uint32_t ms, brood_event_fn *fn, void *arg)
{
	r->on_timer = fn;
	r->on_timer_arg = arg;
	/* never in the same turn: one that is set anew each time it goes off must not hold the loop */
	wheel_set(&r->table->timers, &r->timer, r->table->engine->now_ms + (ms > 0 ? ms : 1));
}
