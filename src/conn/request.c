/* SPDX-License-Identifier: MIT */
/*
 * request - an exchange's life, from its head to the last byte of its body and its response
 *
 * It is taken from a pool when a head begins and given back when both are done: the response has ended
 * (finished) and the body was read or thrown away. While the service or a callback of the handler runs,
 * ->inside keeps it alive, and what was completed meanwhile is concluded on return.
 *
 * The head lies in the receive buffer. A request that outlives the call gets a copy of it.
 */
#include "conn/conn.h"

#include "base/metrics.h"
#include "base/must.h"

#include <stdlib.h>

struct brood_request *request_create(struct conn_table *table, struct conn *c)
{
	struct brood_request *r = pool_take(&table->requests);

	if (!r)
		return NULL;
	memset(r, 0, offsetof(struct brood_request, head));
	r->table = table;
	r->conn = c;
	return r;
}

bool request_accompany(struct brood_request *r, struct companion *companion)
{
	if (r->finished)
		return false;
	companion->next = r->companions;
	companion->link = &r->companions;
	if (companion->next)
		companion->next->link = &companion->next;
	r->companions = companion;
	return true;
}

void request_let_go(struct brood_request *r, struct companion *companion)
{
	if (!companion->link)
		return;
	*companion->link = companion->next;
	if (companion->next)
		companion->next->link = companion->link;
	companion->link = NULL;
}

void request_end_companions(struct brood_request *r, bool tell)
{
	struct companion *companion;

	while ((companion = r->companions) != NULL) {
		request_let_go(r, companion);
		companion->end(companion, tell);
	}
}

void request_destroy(struct brood_request *r)
{
	struct conn_table *table = r->table;

	request_end_companions(r, false);	/* those of a handler that has faulted */
	if (list_linked(&r->timer.link))
		wheel_set(&table->timers, &r->timer, WHEEL_NEVER);
	if (r->fields)
		pool_give(&table->blocks, r->fields);
	if (r->kept)
		free(r->kept);
	pool_give(&table->requests, r);
}

/* Return: 0, or -ENOMEM. */
static int keep_head(struct brood_request *r, const char *start)
{
	if (r->kept)
		return 0;
	r->kept = malloc(r->head.bytes);
	if (!r->kept)
		return -1;
	memcpy(r->kept, start, r->head.bytes);
	http_head_rebase(&r->head, start, r->kept);
	return 0;
}

static void wait_for_handler(struct brood_request *r)
{
	conn_enter(r->table, r->conn, r->body_state == BODY_READING ? CONN_BODY : CONN_HANDLING);
}

/* Looks at as much of the body as is here: what is seen to be wrong in time is refused, not half answered. */
static int judge_chunks(const struct brood_request *r, struct span in)
{
	struct http_body body = r->body;
	struct span data;
	int verdict = HTTP_MORE;

	while (verdict == HTTP_MORE && in.len > 0)
		verdict = http_body_take(&body, &in, &data);
	return verdict;
}

void request_begin(struct brood_request *r, struct span rest)
{
	struct conn_table *table = r->table;
	struct conn *c = r->conn;
	const struct service *service = c->admin ? &table->admin_service : &table->service;
	int verdict = HTTP_MORE;

	c->request = r;
	c->n_requests++;
	measure_begin(table, c);
	c->state = CONN_HANDLING;
	if (METRICS && table->account)
		account_begin(r);
	r->followed = rest.len > r->head.content_length;
	if (r->head.chunked || r->head.content_length > 0) {
		r->body_state = BODY_UNREAD;
		r->continue_due = r->head.expect_continue && rest.len == 0;
		http_body_init(&r->body, &r->head, table->limits.http.body_bytes);
	}
	if (r->head.chunked)
		verdict = judge_chunks(r, rest);
	if (verdict != HTTP_MORE && verdict != HTTP_DONE) {
		request_refuse(table, c, r, verdict);
		return;
	}
	c->polite = !r->head.keep_alive && rest.len == 0 && r->body_state == BODY_NONE;
	if (!call_outside(r, service->answer, service->ctx)) {
		request_fail(r);
		return;
	}
	if (r->finished)
		request_conclude(r);
	else if (r->broken || keep_head(r, rest.at - r->head.bytes) < 0)
		conn_reset(table, c);
	else
		wait_for_handler(r);
	if (c->request == r)
		request_check_body(r);
}

void request_call(struct brood_request *r, brood_event_fn *fn, void *arg)
{
	if (!call_outside(r, fn, arg)) {
		request_fail(r);
		return;
	}
	conn_mark_dirty(r->table, r->conn);
	if (r->finished)
		request_conclude(r);
	else if (r->broken)	/* no memory: it could not be answered any more */
		conn_reset(r->table, r->conn);
	else if (r->body_state == BODY_READING && r->conn->state == CONN_HANDLING)
		conn_enter(r->table, r->conn, CONN_BODY);
}

static void hand_piece(struct brood_request *r, void *arg)
{
	const struct span *data = arg;

	r->on_body(r, data->at, data->len, r->on_body_arg);
}

/* Return: false if @r is gone, because its handler faulted. */
static bool deliver(struct brood_request *r, struct span data)
{
	if (!call_outside(r, hand_piece, &data)) {
		request_fail(r);
		return false;
	}
	conn_mark_dirty(r->table, r->conn);
	return true;
}

static void end_body(struct brood_request *r)
{
	bool reading = r->body_state == BODY_READING;

	r->body_state = BODY_NONE;
	if (reading && !deliver(r, SPAN("")))
		return;
	if (r->finished)
		request_conclude(r);
	else
		conn_enter(r->table, r->conn, CONN_HANDLING);
}

void request_check_body(struct brood_request *r)
{
	if (r->body_state == BODY_READING && !r->body.chunked && r->body.left == 0)
		end_body(r);
}

void request_follow_up(struct brood_request *r)
{
	struct conn *c = r->conn;
	brood_event_fn *fn = r->on_writable;

	request_check_body(r);
	if (c->request != r || !fn || c->output.n_bytes > 0)
		return;
	r->on_writable = NULL;
	request_call(r, fn, r->on_writable_arg);
}

void request_take_body(struct brood_request *r, struct span *in)
{
	struct span data = SPAN_NULL;
	int verdict = http_body_take(&r->body, in, &data);

	r->continue_due = false;
	if (verdict != HTTP_DONE && verdict != HTTP_MORE) {
		request_refuse(r->table, r->conn, r, verdict);
		return;
	}
	if (data.len > 0 && r->body_state == BODY_READING) {
		if (!deliver(r, data))
			return;
		if (r->finished)
			r->body_state = BODY_DISCARDED;
	}
	if (verdict == HTTP_DONE)
		end_body(r);
	else if (r->body_state == BODY_DISCARDED)
		request_conclude(r);
}

/* Is what is left of the body too much to read on for the sake of keeping the connection? */
static bool body_too_long(const struct brood_request *r)
{
	if (r->continue_due)	/* perhaps it never comes */
		return true;
	return (r->head.chunked ? r->body.taken : r->head.content_length - r->body.taken) > DISCARD_MOST;
}

/* It has ended its response: from its side @r is gone, and it is told of nothing more. */
static void release_handler(struct brood_request *r)
{
	r->on_close = r->on_writable = NULL;
	if (list_linked(&r->timer.link))
		wheel_set(&r->table->timers, &r->timer, WHEEL_NEVER);
}

void request_conclude(struct brood_request *r)
{
	struct conn_table *table = r->table;
	struct conn *c = r->conn;

	must(c->request == r && r->finished);
	request_end_companions(r, true);
	if (r->broken) {
		conn_reset(table, c);
		return;
	}
	if (METRICS && table->account)
		account_request(r);
	conn_mark_dirty(table, c);
	if (r->body_state != BODY_NONE && !c->closing && !body_too_long(r)) {
		r->body_state = BODY_DISCARDED;
		release_handler(r);
		if (c->state != CONN_BODY)
			conn_enter(table, c, CONN_BODY);
		return;
	}
	if (r->body_state != BODY_NONE)
		c->closing = true;
	conn_counters(table, c)->requests++;
	measure_answered(table, c);
	c->request = NULL;
	c->served = true;
	request_destroy(r);
	conn_enter(table, c, c->closing ? CONN_SENDING : CONN_IDLE);
	if (!c->closing)
		conn_shed_behind_answer(table, c);
}

void request_abort(struct brood_request *r)
{
	brood_event_fn *fn = r->finished ? NULL : r->on_close;

	account_request(r);
	r->conn->request = NULL;
	r->finished = true;	/* whatever the handler writes now goes nowhere */
	request_end_companions(r, true);
	if (fn)
		(void)call_outside(r, fn, r->on_close_arg);	/* a fault costs nothing that is not lost already */
	request_destroy(r);
}
