/* SPDX-License-Identifier: MIT */
/*
 * head - any bytes as a request head
 *
 * Held: the same verdict from every variant of the scanners and from every split (the first prefix
 * that is not "more" says it), spans that lie inside the input, in order, and a head that is written
 * out again from its spans and parses to the same.
 */
#include "base/must.h"
#include "http/grammar.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct http_limits limits = { 2048, 512, 20, 1000000 };
static struct http_head head, other;

/* A copy with nothing behind it, so that a read past the end is seen. */
static int parse_copy(struct span in, struct http_head *ret_head, char **ret_copy)
{
	char *copy = malloc(in.len ? in.len : 1);
	int r;

	must(copy);
	if (in.len > 0)
		memcpy(copy, in.at, in.len);
	r = http_head_parse((struct span){ copy, in.len }, &limits, ret_head);
	*ret_copy = copy;
	return r;
}

static int verdict_of(struct span in)
{
	char *copy;
	int r = parse_copy(in, &other, &copy);

	free(copy);
	return r;
}

static void check_variants(struct span in, int verdict)
{
	struct scanners variants[SCAN_VARIANTS_MAX];
	unsigned n = http_scan_variants(variants);

	for (unsigned i = 0; i < n; i++) {
		http_scan = variants[i];
		must(verdict_of(in) == verdict);
	}
}

static void check_splits(struct span in, int verdict)
{
	int r = HTTP_MORE;

	for (size_t n = 0; n <= in.len && r == HTTP_MORE; n++)
		r = verdict_of((struct span){ in.at, n });
	must(r == verdict);
}

static void check_inside(struct span inner, struct span outer)
{
	must(inner.len == 0 || (inner.at >= outer.at && inner.at + inner.len <= outer.at + outer.len));
}

static void check_spans(struct span in)
{
	struct span whole = { in.at, head.bytes };
	const char *last = head.line.at;

	must(head.bytes <= in.len && head.bytes <= limits.head_bytes);
	must(head.n_fields <= limits.n_fields && head.target.len <= limits.target_bytes);
	must(head.content_length <= limits.body_bytes && !(head.chunked && head.content_length));
	must(head.minor == 0 || head.host.len > 0);
	check_inside(head.line, whole);
	check_inside(head.target, head.line);
	check_inside(head.path, head.target);
	check_inside(head.query, head.target);
	check_inside(head.host, whole);
	for (uint32_t i = 0; i < head.n_fields; i++) {
		check_inside(head.fields[i].name, whole);
		check_inside(head.fields[i].value, whole);
		must(head.fields[i].name.at > last);
		last = head.fields[i].name.at;
		must(http_field_valid(head.fields[i].name, head.fields[i].value));
	}
}

static size_t put(char *out, size_t n, struct span text)
{
	if (text.len > 0)
		memcpy(out + n, text.at, text.len);
	return n + text.len;
}

/* The head as its spans tell it, with the least white space. */
static size_t write_again(char *out)
{
	size_t n = put(out, 0, head.line);

	n = put(out, n, SPAN("\r\n"));
	for (uint32_t i = 0; i < head.n_fields; i++) {
		n = put(out, n, head.fields[i].name);
		n = put(out, n, SPAN(":"));
		n = put(out, n, head.fields[i].value);
		n = put(out, n, SPAN("\r\n"));
	}
	return put(out, n, SPAN("\r\n"));
}

static void check_again(void)
{
	char again[4096];
	size_t n = write_again(again);

	must(http_head_parse((struct span){ again, n }, &limits, &other) == HTTP_DONE);
	must(other.bytes == n && other.n_fields == head.n_fields);
	must(other.method == head.method && other.minor == head.minor && other.chunked == head.chunked);
	must(other.keep_alive == head.keep_alive && other.expect_continue == head.expect_continue);
	must(other.content_length == head.content_length);
	must(span_equal(other.path, head.path) && span_equal(other.query, head.query));
	must(span_equal(other.host, head.host));
	http_head_rebase(&other, again, again);
	must(span_equal(other.line, head.line));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = { (const char *)data, size };
	char *copy;
	int r;

	http_scan_init();
	r = parse_copy(in, &head, &copy);
	must(r == HTTP_MORE || r == HTTP_DONE || (r >= 400 && r < 600));
	check_variants(in, r);
	check_splits(in, r);
	if (r == HTTP_DONE) {
		check_spans((struct span){ copy, size });
		check_again();
	}
	free(copy);
	return 0;
}
