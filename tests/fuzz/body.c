/* SPDX-License-Identifier: MIT */
/*
 * body - any bytes as a message body
 *
 * The first byte chooses the framing, the second how the rest is cut into pieces. Held: the same
 * verdict, the same content and the same rest whatever the pieces; progress at every call; never more
 * content than the limit; content that was chunked again reads back the same.
 */
#include "base/must.h"
#include "http/grammar.h"

#include <stdlib.h>

#define LIMIT 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
	int	verdict;
	size_t	len;		/* of the content */
	size_t	used;		/* of the input */
	char	content[LIMIT];
};

static struct outcome whole, pieces;

/* Takes all of one piece, in a copy of its own, so that a read past the end is seen. */
static void take_piece(struct http_body *body, struct span piece, struct outcome *o)
{
	char *copy = malloc(piece.len ? piece.len : 1);
	struct span in = { copy, piece.len }, got;
	size_t before;

	must(copy);
	if (piece.len > 0)
		memcpy(copy, piece.at, piece.len);
	do {
		before = in.len;
		o->verdict = http_body_take(body, &in, &got);
		if (o->verdict == 400 || o->verdict == 413)
			break;
		must(o->verdict == HTTP_MORE || o->verdict == HTTP_DONE);
		must(got.len == 0 || (got.at >= copy && got.at + got.len <= copy + piece.len));
		must(in.at == copy + piece.len - in.len);
		must(in.len < before || before == 0 || o->verdict == HTTP_DONE);
		must(o->len + got.len <= LIMIT);
		if (got.len > 0)
			memcpy(o->content + o->len, got.at, got.len);
		o->len += got.len;
	} while (o->verdict == HTTP_MORE && in.len > 0);
	o->used += piece.len - in.len;
	free(copy);
}

/* @step: the largest piece; 0 = all at once. */
static void decode(struct span in, const struct http_head *head, size_t step, struct outcome *o)
{
	struct http_body body;
	size_t n;

	http_body_init(&body, head, LIMIT);
	o->len = o->used = 0;
	do {
		n = step && step < in.len ? step : in.len;
		take_piece(&body, (struct span){ in.at, n }, o);
		if (n == in.len)
			break;
		in = span_skip(in, n);
	} while (o->verdict == HTTP_MORE);
}

static void compare(void)
{
	must(whole.verdict == pieces.verdict);
	if (whole.verdict > HTTP_DONE)
		return;
	must(whole.len == pieces.len && whole.used == pieces.used);
	must(memcmp(whole.content, pieces.content, whole.len) == 0);
}

/* What was decoded is sent as chunks and decoded again. */
static void check_again(size_t step)
{
	static const struct http_head head = { .chunked = true };
	static char wire[LIMIT * 10];
	size_t n = 0, part;

	for (size_t at = 0; at < whole.len; at += part) {
		part = whole.len - at < step + 3 ? whole.len - at : step + 3;
		n += http_chunk_head(wire + n, part);
		memcpy(wire + n, whole.content + at, part);
		n += part;
		memcpy(wire + n, "\r\n", 2);
		n += 2;
	}
	memcpy(wire + n, "0\r\n\r\n", 5);
	decode((struct span){ wire, n + 5 }, &head, step, &pieces);
	must(pieces.verdict == HTTP_DONE && pieces.used == n + 5 && pieces.len == whole.len);
	must(memcmp(whole.content, pieces.content, whole.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_head head = { 0 };
	struct span in;
	size_t step;

	if (size < 2)
		return 0;
	in = (struct span){ (const char *)data + 2, size - 2 };
	head.chunked = data[0] & 1;
	head.content_length = head.chunked ? 0 : data[0] * 20;
	step = (size_t)data[1] + 1;
	decode(in, &head, 0, &whole);
	decode(in, &head, step, &pieces);
	compare();
	decode(in, &head, 1, &pieces);
	compare();
	if (whole.verdict == HTTP_DONE)
		check_again(step);
	return 0;
}
