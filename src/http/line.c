/* SPDX-License-Identifier: MIT */
/*
 * line - the request line: method, target, version
 *
 * Taken from left to right, so what is wrong is said at the byte where it becomes wrong, whether or
 * not more follows it; the verdict never depends on how the bytes were split.
 */
#include "http/grammar.h"

#define METHOD_BYTES_MAX 32

static const struct span methods[HTTP_N_METHODS] = {
	[HTTP_GET]	= SPAN("GET"),
	[HTTP_HEAD]	= SPAN("HEAD"),
	[HTTP_POST]	= SPAN("POST"),
	[HTTP_PUT]	= SPAN("PUT"),
	[HTTP_DELETE]	= SPAN("DELETE"),
	[HTTP_OPTIONS]	= SPAN("OPTIONS"),
	[HTTP_PATCH]	= SPAN("PATCH"),
};

struct span http_method_name(enum http_method method)
{
	return methods[method];
}

static int find_method(struct span name, enum http_method *ret_method)
{
	for (unsigned i = 0; i < HTTP_N_METHODS; i++) {
		if (!span_equal(name, methods[i]))
			continue;
		*ret_method = i;
		return HTTP_DONE;
	}
	return 501;
}

static int take_method(struct parse *p)
{
	size_t len = (size_t)(p->end - p->at);
	size_t n = 0;
	int r;

	if (len >= 4 && memcmp(p->at, "GET ", 4) == 0) {
		p->at += 4;
		return HTTP_DONE;	/* HTTP_GET is what the head was born with */
	}
	while (n < len && n <= METHOD_BYTES_MAX && char_is(p->at[n], CHAR_TOKEN))
		n++;
	if (n > METHOD_BYTES_MAX)
		return 400;
	if (n == len)
		return HTTP_MORE;
	if (n == 0 || p->at[n] != ' ')
		return 400;
	r = find_method((struct span){ p->at, n }, &p->head->method);
	p->at += n + 1;
	return r;
}

static void split_query(struct span target, struct http_head *head)
{
	const char *mark = memchr(target.at, '?', target.len);
	size_t len = mark ? (size_t)(mark - target.at) : target.len;

	head->path = (struct span){ target.at, len };
	head->query = mark ? span_skip(target, len + 1) : SPAN_NULL;
}

/* "http://" or "https://" in any case. Return: the length, or 0. */
static size_t scheme_len(struct span target)
{
	static const struct span http = SPAN("http://");
	static const struct span https = SPAN("https://");

	if (target.len >= http.len && span_equal_nocase((struct span){ target.at, http.len }, http))
		return http.len;
	if (target.len >= https.len && span_equal_nocase((struct span){ target.at, https.len }, https))
		return https.len;
	return 0;
}

static int split_absolute(struct span target, struct http_head *head)
{
	size_t scheme = scheme_len(target);
	struct span rest = span_skip(target, scheme);
	size_t n = 0;

	if (scheme == 0)
		return 400;
	while (n < rest.len && rest.at[n] != '/' && rest.at[n] != '?')
		n++;
	head->host = (struct span){ rest.at, n };
	if (!http_authority_valid(head->host))
		return 400;
	split_query(span_skip(rest, n), head);
	/* an empty path means "/", and spans point into the request: the scheme's last one will do */
	if (head->path.len == 0)
		head->path = (struct span){ rest.at - 1, 1 };
	return HTTP_DONE;
}

static int split_target(struct http_head *head)
{
	switch (head->target.at[0]) {
	case '/':
		split_query(head->target, head);
		return HTTP_DONE;
	case '*':
		head->path = head->target;
		head->query = SPAN_NULL;
		return head->target.len == 1 && head->method == HTTP_OPTIONS ? HTTP_DONE : 400;
	default:
		return split_absolute(head->target, head);
	}
}

static int take_target(struct parse *p)
{
	uint64_t most = (uint64_t)p->limits->target_bytes + 1;
	size_t len = (size_t)(p->end - p->at);
	size_t n;

	p->in_target = true;
	if (len == 0)
		return HTTP_MORE;
	if (*p->at != '/' && *p->at != '*' && (*p->at | 0x20) != 'h')
		return 400;
	n = http_scan.target(p->at, len < most ? len : most);
	if (n == most)
		return 414;
	if (n == len)
		return HTTP_MORE;
	p->in_target = false;
	if (p->at[n] != ' ')
		return 400;
	p->head->target = (struct span){ p->at, n };
	p->at += n + 1;
	return split_target(p->head);
}

static int take_version(struct parse *p)
{
	static const char shape[] = "HTTP/1.1\r\n";
	const size_t whole = sizeof(shape) - 1, major = 5, minor = 7;
	size_t len = (size_t)(p->end - p->at);
	const char *at = p->at;

	if (len >= whole && memcmp(at, shape, whole) == 0) {
		p->at += whole;
		return HTTP_DONE;
	}
	for (size_t i = 0; i < whole; i++) {
		if (i == len)
			return HTTP_MORE;
		if (i == major || i == minor ? !char_is_digit(at[i]) : at[i] != shape[i])
			return 400;
	}
	if (at[major] != '1' || at[minor] > '1')
		return 505;
	p->head->minor = (uint8_t)(at[minor] - '0');
	p->at += whole;
	return HTTP_DONE;
}

int http_line_parse(struct parse *p)
{
	const char *start = p->at;
	int r;

	r = take_method(p);
	if (r == HTTP_DONE)
		r = take_target(p);
	if (r == HTTP_DONE)
		r = take_version(p);
	if (r == HTTP_DONE)
		p->head->line = (struct span){ start, (size_t)(p->at - start) - 2 };
	return r;
}
