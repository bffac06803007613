/* SPDX-License-Identifier: MIT */
/*
 * answer - what another server answers, taken as it comes
 *
 * It is gathered until its head is whole, then its body is decoded. Bytes in, text out: no descriptor, no clock.
 */
#include "async/answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_MOST	(32 * 1024)
#define INTERIM_MOST	8		/* 1xx in front of the response */

static const struct http_limits limits = { .head_bytes = HEAD_MOST, .n_fields = HTTP_FIELDS_MAX };

/* ---- the body ---- */

static int end(struct answer *a, size_t n_behind)
{
	a->n_behind = n_behind;
	return 1;
}

static int take_rest(struct answer *a, struct span in)
{
	if (in.len > a->most - a->body.len)
		return -EMSGSIZE;
	return bytes_append(&a->body, in.at, in.len);
}

static int take_body(struct answer *a, struct span in)
{
	int verdict = HTTP_MORE;

	while (verdict == HTTP_MORE && in.len > 0) {
		struct span data = SPAN_NULL;

		verdict = http_body_take(&a->framing, &in, &data);
		if (data.len > 0 && bytes_append(&a->body, data.at, data.len) < 0)
			return -ENOMEM;
	}
	if (verdict == HTTP_DONE)
		return end(a, in.len);
	if (verdict == HTTP_MORE)
		return 0;
	return verdict == 413 ? -EMSGSIZE : -EPROTO;
}

/* What the head says of the body; @in came behind it. */
static int begin_body(struct answer *a, struct span in)
{
	const struct http_reply *r = &a->reply.http;

	if (a->bodiless || !http_status_has_body(r->status))
		return end(a, in.len);
	if (!r->head.chunked && !r->has_length) {
		a->phase = ANSWER_UNTIL_THE_END;
		return take_rest(a, in);
	}
	if (!r->head.chunked && r->head.content_length > a->most)
		return -EMSGSIZE;
	a->phase = ANSWER_BODY;
	http_body_init(&a->framing, &r->head, a->most);
	if (!r->head.chunked && r->head.content_length == 0)
		return end(a, in.len);
	return take_body(a, in);
}

/* ---- the head ---- */

/* Takes an interim response off. Return: 1 = there may be another, 0, -EPROTO. */
static int drop_interim(struct answer *a)
{
	size_t n = a->reply.http.head.bytes;

	if (a->reply.http.status == 101 || ++a->n_interim > INTERIM_MOST)
		return -EPROTO;
	a->head.len -= n;
	memmove(a->head.at, a->head.at + n, a->head.len);
	return a->head.len > 0;
}

static int take_head(struct answer *a, const char *data, size_t len)
{
	int r = bytes_append(&a->head, data, len);

	if (r < 0)
		return r;
	do {
		int verdict = http_reply_parse((struct span){ a->head.at, a->head.len }, &limits, &a->reply.http);

		if (verdict != HTTP_DONE)
			return verdict == HTTP_MORE ? 0 : -EPROTO;
		if (a->reply.http.status >= 200)
			return begin_body(a, (struct span){ a->head.at + a->reply.http.head.bytes,
							    a->head.len - a->reply.http.head.bytes });
		r = drop_interim(a);
	} while (r > 0);
	return r;
}

int answer_take(struct answer *a, const char *data, size_t len)
{
	switch (a->phase) {
	case ANSWER_HEAD:
		return take_head(a, data, len);
	case ANSWER_BODY:
		return take_body(a, (struct span){ data, len });
	case ANSWER_UNTIL_THE_END:
		break;
	}
	return take_rest(a, (struct span){ data, len });
}

bool answer_ends_connection(const struct answer *a)
{
	return a->phase == ANSWER_UNTIL_THE_END || !a->reply.http.head.keep_alive || a->n_behind > 0;
}

void answer_finish(struct answer *a)
{
	free(a->head.at);
	free(a->body.at);
	a->head = a->body = (struct bytes){ .at = NULL };
}
