/* SPDX-License-Identifier: MIT */
#include "http/grammar.h"

#include <errno.h>

/* Takes "%XX" or one plain byte off the front. Return: the byte, or -EINVAL. */
static int take_byte(struct span *in)
{
	int high, low;
	char c = in->at[0];

	if (c != '%') {
		*in = span_skip(*in, 1);
		return (unsigned char)c;
	}
	if (in->len < 3)
		return -EINVAL;
	high = char_hex(in->at[1]);
	low = char_hex(in->at[2]);
	if (high < 0 || low < 0)
		return -EINVAL;
	*in = span_skip(*in, 3);
	return high << 4 | low;
}

/* Decodes up to the next '/' or the end. Return: bytes written or -errno. */
static int take_segment(struct span *path, char *out, size_t size)
{
	size_t n = 0;
	bool escaped;
	int byte;

	while (path->len > 0 && path->at[0] != '/') {
		escaped = path->at[0] == '%';
		byte = take_byte(path);
		if (byte <= 0 || (escaped && byte == '/'))
			return -EINVAL;
		if (n == size)
			return -ENAMETOOLONG;
		out[n++] = (char)byte;
	}
	return (int)n;
}

/* @out ends with '/'. Return: its length without the last segment, ending with '/' again. */
static size_t drop_segment(const char *out, size_t n)
{
	do {
		n--;
	} while (out[n - 1] != '/');
	return n;
}

int http_path_decode(struct span path, char *out, size_t size)
{
	struct span segment;
	size_t n = 1;		/* out[0..n) ends with '/' when a segment begins */
	int r;

	if (path.len == 0 || path.at[0] != '/')
		return -EINVAL;
	if (size == 0)
		return -ENAMETOOLONG;
	out[0] = '/';
	while (path.len > 0) {
		path = span_skip(path, 1);
		r = take_segment(&path, out + n, size - n);
		if (r < 0)
			return r;
		segment = (struct span){ out + n, (size_t)r };
		if (span_equal(segment, SPAN("."))) {
			continue;
		} else if (span_equal(segment, SPAN(".."))) {
			if (n == 1)
				return -EINVAL;
			n = drop_segment(out, n);
			continue;
		}
		n += segment.len;
		if (path.len > 0) {
			if (n == size)
				return -ENAMETOOLONG;
			out[n++] = '/';
		}
	}
	return (int)n;
}

/* Takes one decoded byte of a form off the front. Return: the byte, or -EINVAL. */
static int take_form_byte(struct span *in)
{
	if (in->at[0] != '+')
		return take_byte(in);
	*in = span_skip(*in, 1);
	return ' ';
}

static bool key_equal(struct span encoded, struct span key)
{
	size_t n = 0;

	while (encoded.len > 0) {
		if (n == key.len || take_form_byte(&encoded) != (unsigned char)key.at[n])
			return false;
		n++;
	}
	return n == key.len;
}

static int decode_form(struct span encoded, char *out, size_t size)
{
	size_t n = 0;
	int byte;

	while (encoded.len > 0) {
		byte = take_form_byte(&encoded);
		if (byte < 0)
			return byte;
		if (n == size)
			return -ENOSPC;
		out[n++] = (char)byte;
	}
	return (int)n;
}

/* Takes what is before @mark off the front, and the mark. */
static struct span take_until(struct span *in, char mark)
{
	const char *found = memchr(in->at, mark, in->len);
	struct span taken = { in->at, found ? (size_t)(found - in->at) : in->len };

	*in = span_skip(*in, taken.len + (found != NULL));
	return taken;
}

int http_query_get(struct span query, struct span key, char *out, size_t size)
{
	struct span pair, name;

	while (query.len > 0) {
		pair = take_until(&query, '&');
		if (pair.len == 0)
			continue;
		name = take_until(&pair, '=');
		if (key_equal(name, key))
			return decode_form(pair, out, size);
	}
	return -ENOENT;
}
