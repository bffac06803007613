/* SPDX-License-Identifier: MIT */
/* bodies.h - a body decoded whole or in pieces, for the tests of body.c */
#pragma once

#include "http/guard.h"

#define CONTENT_BYTES_MAX (1 << 17)

struct decoded {
	int		verdict;	/* the last */
	size_t		len;
	size_t		left;		/* bytes not taken */
	char		content[CONTENT_BYTES_MAX];
};

/* Feeds @in up to the next verdict; no more than @piece bytes are in sight at a time. */
static inline void feed(struct http_body *body, struct span in, size_t piece, struct decoded *d)
{
	struct span sight, data;
	size_t n;

	do {
		n = in.len < piece ? in.len : piece;
		sight = guarded(prefix(in, n));
		do {
			d->verdict = http_body_take(body, &sight, &data);
			if (d->verdict > HTTP_DONE)
				return;
			assert_true(d->len + data.len <= CONTENT_BYTES_MAX);
			memcpy(d->content + d->len, data.at, data.len);
			d->len += data.len;
		} while (d->verdict == HTTP_MORE && sight.len > 0);
		in = span_skip(in, n - sight.len);
	} while (d->verdict == HTTP_MORE && in.len > 0);
	d->left = in.len;
}

static inline void decode(struct span in, const struct http_head *head, uint64_t limit, size_t piece,
			  struct decoded *d)
{
	struct http_body body;

	http_body_init(&body, head, limit);
	d->len = d->left = 0;
	feed(&body, in, piece, d);
}

/* The verdict on a chunked body; the same for pieces of every size. */
static inline int decode_chunked(struct span in, struct decoded *d)
{
	static const struct http_head head = { .chunked = true };
	static struct decoded whole;

	decode(in, &head, 1 << 20, in.len + 1, &whole);
	for (size_t piece = 1; piece <= in.len && piece < 40; piece++) {
		decode(in, &head, 1 << 20, piece, d);
		assert_verdict(in, d->verdict, whole.verdict);
		if (d->verdict > HTTP_DONE)
			continue;
		assert_int_equal(d->left, whole.left);
		assert_int_equal(d->len, whole.len);
		assert_memory_equal(d->content, whole.content, whole.len);
	}
	*d = whole;
	return whole.verdict;
}
