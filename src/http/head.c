/* SPDX-License-Identifier: MIT */
/*
 * head - one request head, in one pass
 *
 * The head is read from its first byte at every call; nothing is remembered between calls. Each check
 * is made in the order of the bytes, so the verdict on a whole head is the first verdict that any
 * prefix of it gets, and what is wrong early is refused without waiting for an end that may not come.
 * Only what needs the whole (Host missing), and what is milder than 400, is weighed at the end.
 *
 * Fails by: a status to refuse with. The fields array is written as far as it is used and never
 * cleared, because clearing it would cost more than the parse.
 */
#include "http/grammar.h"

/* A CRLF left behind by a sloppy client is forgiven once (RFC 9112 2.2). */
static int skip_crlf(struct parse *p)
{
	if (p->at == p->end)
		return HTTP_MORE;
	if (*p->at != '\r')
		return HTTP_DONE;
	if (p->end - p->at == 1)
		return HTTP_MORE;
	if (p->at[1] != '\n')
		return 400;
	p->at += 2;
	return HTTP_DONE;
}

/* Takes ":", white space, the value and CRLF; trims the value. */
static int take_value(struct parse *p, struct span *ret_value)
{
	const char *at = p->at + 1, *stop;

	while (at < p->end && char_is_space(*at))
		at++;
	stop = at + http_scan.value(at, (size_t)(p->end - at));
	if (stop == p->end)
		return HTTP_MORE;
	if (*stop != '\r')
		return 400;
	if (stop + 1 == p->end)
		return HTTP_MORE;
	if (stop[1] != '\n')
		return 400;
	p->at = stop + 2;
	while (stop > at && char_is_space(stop[-1]))
		stop--;
	*ret_value = (struct span){ at, (size_t)(stop - at) };
	return HTTP_DONE;
}

static int take_field(struct parse *p, struct http_field *ret_field)
{
	size_t len = (size_t)(p->end - p->at);
	size_t n = http_scan.token(p->at, len);

	if (n == len)
		return HTTP_MORE;
	if (n == 0 || p->at[n] != ':')
		return 400;
	ret_field->name = (struct span){ p->at, n };
	p->at += n;
	return take_value(p, &ret_field->value);
}

int http_fields_take(struct parse *p)
{
	struct http_head *head = p->head;
	struct http_field *field;
	int r;

	for (;;) {
		if (p->at == p->end)
			return HTTP_MORE;
		if (*p->at == '\r')
			return skip_crlf(p);
		if (head->n_fields >= p->limits->n_fields || head->n_fields >= HTTP_FIELDS_MAX)
			return 431;
		field = &head->fields[head->n_fields];
		r = take_field(p, field);
		if (r != HTTP_DONE)
			return r;
		head->n_fields++;
		r = http_known_field(p, field);
		if (r != HTTP_DONE)
			return r;
	}
}

static void clear_head(struct http_head *head)
{
	head->method = HTTP_GET;
	head->minor = 1;
	head->expect_continue = false;
	head->chunked = false;
	head->content_length = 0;
	head->host = SPAN_NULL;
	head->n_fields = 0;
}

int http_head_parse(struct span in, const struct http_limits *limits, struct http_head *ret_head)
{
	bool full = in.len >= limits->head_bytes;
	size_t len = full ? limits->head_bytes : in.len;
	struct parse p = { .at = in.at, .end = in.at + len, .limits = limits, .head = ret_head };
	int r;

	clear_head(ret_head);
	r = skip_crlf(&p);
	if (r == HTTP_DONE)
		r = http_line_parse(&p);
	if (r == HTTP_DONE)
		r = http_fields_take(&p);
	if (r == HTTP_MORE && full)
		return p.in_target ? 414 : 431;
	if (r != HTTP_DONE)
		return r;
	ret_head->bytes = (uint32_t)(p.at - in.at);
	return http_known_judge(&p);
}

struct span http_head_field(const struct http_head *head, struct span name)
{
	for (uint32_t i = 0; i < head->n_fields; i++) {
		if (span_equal_nocase(head->fields[i].name, name))
			return head->fields[i].value;
	}
	return SPAN_NULL;
}

static void move_span(struct span *span, const char *from, size_t len, const char *to)
{
	/* as numbers, because @from may be gone already */
	uintptr_t offset = (uintptr_t)span->at - (uintptr_t)from;

	if (span->at && offset <= len)
		span->at = to + offset;
}

void http_head_rebase(struct http_head *head, const char *from, const char *to)
{
	size_t len = head->bytes;

	move_span(&head->line, from, len, to);
	move_span(&head->target, from, len, to);
	move_span(&head->path, from, len, to);
	move_span(&head->query, from, len, to);
	move_span(&head->host, from, len, to);
	for (uint32_t i = 0; i < head->n_fields; i++) {
		move_span(&head->fields[i].name, from, len, to);
		move_span(&head->fields[i].value, from, len, to);
	}
}
