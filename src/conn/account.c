/* SPDX-License-Identifier: MIT */
/*
 * account - what became of a request, for the access log
 *
 * Each request is told of once, when its response is complete or its connection is lost, while its head is still
 * there. Its time is from the turn that brought the end of its head to now, so a handler that blocks is seen. With
 * nobody who wants to know, all this is one branch a request.
 */
#include "conn/conn.h"

#include "base/clock.h"

#define ENDED_EARLY 499		/* nobody's status, but widely known as this */

void account_begin(struct brood_request *r)
{
	struct conn_table *table = r->table;

	r->begun_us = table->engine->now_us;
	if (r->conn->n_requests == 1)
		table->meet(r->conn, table->account_ctx);
}

void account_as(struct brood_request *r, int status, uint64_t body_bytes)
{
	struct conn_table *table = r->table;
	struct conn_account account;

	if (!table->account || r->accounted)
		return;
	r->accounted = true;
	account = (struct conn_account){
		.conn = r->conn, .head = &r->head, .line = r->head.line, .status = status, .body_bytes = body_bytes,
		.us = clock_us() - r->begun_us,
	};
	table->account(&account, table->account_ctx);
}

void account_request(struct brood_request *r)
{
	account_as(r, r->started ? r->status : ENDED_EARLY, r->body_bytes);
}

void account_unread(struct conn_table *table, struct conn *c, struct span in, int status, uint64_t body_bytes)
{
	struct conn_account account = { .conn = c, .status = status, .body_bytes = body_bytes };

	if (!table->account)
		return;
	while (in.len > 0 && (*in.at == '\r' || *in.at == '\n'))
		in = span_skip(in, 1);
	if (in.len > 0)
		account.line = (struct span){ in.at, 0 };
	while (account.line.len < in.len && in.at[account.line.len] != '\r' && in.at[account.line.len] != '\n')
		account.line.len++;
	table->account(&account, table->account_ctx);
}
