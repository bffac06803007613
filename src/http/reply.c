/* SPDX-License-Identifier: MIT */
/*
 * reply - the head of a response
 *
 * Read as a request's is, and as strictly: a server that two clients could read differently is not believed.
 *
 * Fails by: 400 for what is wrong, 431 for what is too long.
 */
#include "http/grammar.h"

#include <string.h>

/* "HTTP/1.1 200 " at least; what follows is for people. */
static int take_status_line(struct parse *p, int *ret_status)
{
	static const char version[] = "HTTP/1.";
	size_t len = (size_t)(p->end - p->at);
	const char *at = p->at, *stop;

	if (memcmp(at, version, len < 7 ? len : 7) != 0)
		return 400;
	if (len < 13)
		return HTTP_MORE;
	if ((at[7] != '0' && at[7] != '1') || at[8] != ' ' || at[12] != ' ')
		return 400;
	if (at[9] < '1' || at[9] > '5' || !char_is_digit(at[10]) || !char_is_digit(at[11]))
		return 400;
	p->head->minor = (uint8_t)(at[7] - '0');
	*ret_status = (at[9] - '0') * 100 + (at[10] - '0') * 10 + (at[11] - '0');
	stop = at + 13 + http_scan.value(at + 13, len - 13);
	if (stop == p->end || stop + 1 == p->end)
		return stop == p->end || *stop == '\r' ? HTTP_MORE : 400;
	if (stop[0] != '\r' || stop[1] != '\n')
		return 400;
	p->at = stop + 2;
	return HTTP_DONE;
}

int http_reply_parse(struct span in, const struct http_limits *limits, struct http_reply *ret_reply)
{
	bool full = in.len >= limits->head_bytes;
	size_t len = full ? limits->head_bytes : in.len;
	struct http_head *head = &ret_reply->head;
	struct parse p = { .at = in.at, .end = in.at + len, .limits = limits, .head = head };
	int r;

	memset(head, 0, offsetof(struct http_head, fields));
	r = take_status_line(&p, &ret_reply->status);
	if (r == HTTP_DONE)
		r = http_fields_take(&p);
	if (r == HTTP_MORE && full)
		return 431;
	if (r != HTTP_DONE)
		return r;
	head->bytes = (uint32_t)(p.at - in.at);
	head->keep_alive = !(p.seen & SEEN_CLOSE) && (head->minor > 0 || p.seen & SEEN_KEEP_ALIVE);
	ret_reply->has_length = p.seen & SEEN_LENGTH;
	return HTTP_DONE;
}
