/* SPDX-License-Identifier: MIT */
/*
 * refuse - a request that ends before its time
 *
 * Because it cannot be served, because its body is wrong, or because its handler faulted. It gets the answer
 * that says so, unless another one has begun; then the connection is closed.
 */
#include "conn/conn.h"

#include <stdio.h>

void request_break_off(struct brood_request *r)
{
	struct conn_table *table = r->table;
	struct conn *c = r->conn;

	c->closing = true;
	c->polite = false;
	if (r->finished) {
		request_conclude(r);
		return;
	}
	request_abort(r);
	conn_enter(table, c, CONN_SENDING);
	conn_mark_dirty(table, c);
}

size_t refusal_bytes(int status, bool bodiless)
{
	return bodiless ? 0 : http_reason(status).len + 5;	/* "404 Not Found\n" */
}

static int append_refusal(struct conn_table *table, struct conn *c, int status, bool bodiless)
{
	struct span reason = http_reason(status);
	struct http_response response = {
		.status = status,
		.close = true,
		.content_length = refusal_bytes(status, false),
		.type = SPAN("text/plain"),
		.date = conn_table_date(table),
	};
	char *out = output_reserve(table, &c->output, HTTP_RESPONSE_BYTES + 128);
	size_t n;

	if (!out)
		return -1;
	n = http_response_render(out, &response);
	if (!bodiless)
		n += (size_t)snprintf(out + n, 64, "%d %.*s\n", status, (int)reason.len, reason.at);
	output_commit(&c->output, n);
	conn_counters(table, c)->responses[status / 100]++;
	return 0;
}

/* Answers with @status, unless an answer has begun, and closes behind it. Takes @r, which may be NULL. */
static void end_with(struct conn_table *table, struct conn *c, struct brood_request *r, int status)
{
	bool begun = r && c->request == r;
	bool bodiless = r && r->head.method == HTTP_HEAD;

	if (!r)
		account_unread(table, c, SPAN_NULL, status, refusal_bytes(status, false));
	if (begun && r->started) {	/* an answer is already under way: it cannot be taken back */
		request_break_off(r);
		return;
	}
	if (begun)
		account_as(r, status, refusal_bytes(status, bodiless));
	if (begun)
		request_abort(r);
	else if (r)
		request_destroy(r);
	c->closing = true;
	c->polite = false;
	c->served = true;
	if (append_refusal(table, c, status, bodiless) < 0) {
		conn_close(table, c);
		return;
	}
	conn_enter(table, c, CONN_SENDING);
	conn_mark_dirty(table, c);
}

void request_refuse(struct conn_table *table, struct conn *c, struct brood_request *r, int status)
{
	conn_counters(table, c)->refused++;
	end_with(table, c, r, status);
}

/*
 * The handler is not called with @r again, not even on_close: what that would free may be what is broken. An
 * answer that was complete goes out; one that had begun and would seem complete is cut with a reset.
 */
void request_fail(struct brood_request *r)
{
	struct conn_table *table = r->table;
	struct conn *c = r->conn;

	r->on_close = NULL;
	request_end_companions(r, false);
	c->closing = true;
	c->polite = false;
	if (r->finished)
		request_conclude(r);
	else if (r->started && !r->chunked && r->left == BROOD_UNKNOWN_LENGTH)
		conn_reset(table, c);
	else
		end_with(table, c, r, 500);
}
