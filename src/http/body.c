/* SPDX-License-Identifier: MIT */
/*
 * body - where a request's content lies between its framing
 *
 * By length, or by chunks (RFC 9112 7.1): then a table of states, one step per byte of framing, while
 * content is handed out in pieces and never looked at. Trailers are checked like fields and thrown
 * away; one that names a framing is refused, as others do. White space is taken nowhere but inside
 * quoted strings and trailer values.
 *
 * Framing has to be paid for by content: every byte of it is owed, a chunk pays back twice its size,
 * and who owes more than DEBT_BYTES_MAX is refused. So a megabyte may come in chunks of three bytes,
 * but not in chunks of one, and extensions cannot be used to make us read much for little.
 *
 * Fails by: 400 for wrong framing, 413 for more content than the limit.
 */
#include "http/grammar.h"

#define SIZE_DIGITS_MAX		16		/* 64 bits */
#define SIZE_LINE_BYTES_MAX	256
#define TRAILERS_BYTES_MAX	8192
#define DEBT_BYTES_MAX		65536

enum state {
	SIZE_FIRST, SIZE, EXT_NAME_FIRST, EXT_NAME, EXT_VALUE_FIRST, EXT_VALUE, EXT_QUOTED, EXT_ESCAPED,
	EXT_QUOTED_END, SIZE_LF, DATA, DATA_CR, DATA_LF,
	TRAILER_FIRST, TRAILER_NAME, TRAILER_VALUE, TRAILER_LF, END_LF,
	DONE,
};

/* Takes one byte of framing. Return: 0, or a status. */
typedef int (*step_fn)(struct http_body *body, char c);

static int go(struct http_body *body, enum state state)
{
	body->state = state;
	return 0;
}

static int size(struct http_body *body, char c)
{
	int digit = char_hex(c);

	if (digit >= 0) {
		if (body->line_bytes > SIZE_DIGITS_MAX)
			return 400;
		body->left = body->left << 4 | (unsigned)digit;
		return go(body, SIZE);
	}
	if (body->state == SIZE_FIRST)
		return 400;
	if (c == ';')
		return go(body, EXT_NAME_FIRST);
	return c == '\r' ? go(body, SIZE_LF) : 400;
}

static int ext_first(struct http_body *body, char c)
{
	if (c == '"' && body->state == EXT_VALUE_FIRST)
		return go(body, EXT_QUOTED);
	if (!char_is(c, CHAR_TOKEN))
		return 400;
	return go(body, body->state + 1);
}

/* Behind a whole name or value. */
static int ext_end(struct http_body *body, char c)
{
	if (c == ';')
		return go(body, EXT_NAME_FIRST);
	return c == '\r' ? go(body, SIZE_LF) : 400;
}

static int ext_token(struct http_body *body, char c)
{
	if (char_is(c, CHAR_TOKEN))
		return 0;
	if (c == '=' && body->state == EXT_NAME)
		return go(body, EXT_VALUE_FIRST);
	return ext_end(body, c);
}

static int ext_quoted(struct http_body *body, char c)
{
	if (c == '"')
		return go(body, EXT_QUOTED_END);
	if (c == '\\')
		return go(body, EXT_ESCAPED);
	return char_is(c, CHAR_QUOTED) ? 0 : 400;
}

static int ext_escaped(struct http_body *body, char c)
{
	return char_is(c, CHAR_VALUE) ? go(body, EXT_QUOTED) : 400;
}

static int size_lf(struct http_body *body, char c)
{
	uint64_t debt = (uint64_t)body->overhead_bytes + body->line_bytes;

	if (c != '\n')
		return 400;
	if (body->left > body->limit - body->taken)
		return 413;
	debt -= body->left < debt / 2 ? 2 * body->left : debt;
	if (debt > DEBT_BYTES_MAX)
		return 400;
	body->overhead_bytes = (uint32_t)debt;
	body->line_bytes = 0;
	return go(body, body->left > 0 ? DATA : TRAILER_FIRST);
}

static int data_cr(struct http_body *body, char c)
{
	return c == '\r' ? go(body, DATA_LF) : 400;
}

/* The two bytes behind the content count with the next size line. */
static int data_lf(struct http_body *body, char c)
{
	body->overhead_bytes += 2;
	body->line_bytes = 0;
	return c == '\n' ? go(body, SIZE_FIRST) : 400;
}

/*
 * Behind the last chunk .left counts nothing, so it remembers what a trailer's name was so far: in its
 * two lowest bits which of these it may still become, above them its length.
 */
static const struct span framing_names[2] = { SPAN("content-length"), SPAN("transfer-encoding") };

static void extend_name(struct http_body *body, char c)
{
	uint64_t len = body->left >> 2, may_become = body->left & 3;

	for (unsigned i = 0; i < 2; i++) {
		if (len >= framing_names[i].len || (c | 0x20) != framing_names[i].at[len])
			may_become &= ~(UINT64_C(1) << i);
	}
	body->left = (len + 1) << 2 | may_become;
}

static bool names_framing(const struct http_body *body)
{
	for (unsigned i = 0; i < 2; i++) {
		if (body->left == (framing_names[i].len << 2 | 1 << i))
			return true;
	}
	return false;
}

static int trailer_name(struct http_body *body, char c)
{
	if (char_is(c, CHAR_TOKEN)) {
		extend_name(body, c);
		return 0;
	}
	if (c != ':' || names_framing(body))
		return 400;
	body->left = 0;
	return go(body, TRAILER_VALUE);
}

static int trailer_first(struct http_body *body, char c)
{
	if (c == '\r')
		return go(body, END_LF);
	if (!char_is(c, CHAR_TOKEN))
		return 400;
	body->left = 3;
	extend_name(body, c);
	return go(body, TRAILER_NAME);
}

static int trailer_value(struct http_body *body, char c)
{
	if (c == '\r')
		return go(body, TRAILER_LF);
	return char_is(c, CHAR_VALUE) ? 0 : 400;
}

static int trailer_lf(struct http_body *body, char c)
{
	return c == '\n' ? go(body, TRAILER_FIRST) : 400;
}

static int end_lf(struct http_body *body, char c)
{
	return c == '\n' ? go(body, DONE) : 400;
}

static const step_fn steps[] = {
	[SIZE_FIRST]		= size,
	[SIZE]			= size,
	[EXT_NAME_FIRST]	= ext_first,
	[EXT_NAME]		= ext_token,
	[EXT_VALUE_FIRST]	= ext_first,
	[EXT_VALUE]		= ext_token,
	[EXT_QUOTED]		= ext_quoted,
	[EXT_ESCAPED]		= ext_escaped,
	[EXT_QUOTED_END]	= ext_end,
	[SIZE_LF]		= size_lf,
	[DATA_CR]		= data_cr,
	[DATA_LF]		= data_lf,
	[TRAILER_FIRST]		= trailer_first,
	[TRAILER_NAME]		= trailer_name,
	[TRAILER_VALUE]		= trailer_value,
	[TRAILER_LF]		= trailer_lf,
	[END_LF]		= end_lf,
};

static void take_content(struct http_body *body, struct span *in, struct span *ret_data)
{
	size_t n = in->len < body->left ? in->len : (size_t)body->left;

	*ret_data = (struct span){ in->at, n };
	*in = span_skip(*in, n);
	body->left -= n;
	body->taken += n;
	if (body->left == 0)
		body->state = body->chunked ? DATA_CR : DONE;
}

static int take_framing(struct http_body *body, char c)
{
	unsigned most = body->state >= TRAILER_FIRST ? TRAILERS_BYTES_MAX : SIZE_LINE_BYTES_MAX;

	if (++body->line_bytes > most)
		return 400;
	return steps[body->state](body, c);
}

void http_body_init(struct http_body *body, const struct http_head *head, uint64_t limit)
{
	*body = (struct http_body){
		.chunked = head->chunked,
		.left = head->chunked ? 0 : head->content_length,
		.limit = limit,
	};
	if (head->chunked)
		body->state = SIZE_FIRST;
	else
		body->state = body->left > 0 ? DATA : DONE;
}

int http_body_take(struct http_body *body, struct span *in, struct span *ret_data)
{
	int r;

	*ret_data = (struct span){ in->at, 0 };
	if (!body->chunked && body->left > body->limit - body->taken)
		return 413;
	while (body->state != DONE) {
		if (in->len == 0)
			return HTTP_MORE;
		if (body->state == DATA) {
			if (ret_data->len > 0)
				return HTTP_MORE;
			take_content(body, in, ret_data);
			continue;
		}
		r = take_framing(body, *in->at);
		if (r != 0)
			return r;
		*in = span_skip(*in, 1);
	}
	return HTTP_DONE;
}
