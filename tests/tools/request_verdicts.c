/* SPDX-License-Identifier: MIT */
/*
 * request_verdicts - what src/http makes of inputs, one line each
 *
 * stdin: inputs, each behind its length in four bytes, least significant first. An input is what one
 * client sends on one connection. stdout: "VERDICT MESSAGES TARGET_BYTES BODY_BYTES", where VERDICT is
 * "ok" (all of it is whole requests), "more" (right so far) or the status to refuse with.
 */
#include "base/must.h"
#include "http/http.h"

#include <stdio.h>
#include <stdlib.h>

#define INPUT_BYTES_MAX (1 << 20)

struct tally {
	unsigned	n_messages;
	size_t		target_bytes;
	size_t		body_bytes;
};

static const struct http_limits limits = { 65536, 32768, HTTP_FIELDS_MAX, 1 << 20 };

static int take_body(const struct http_head *head, struct span *in, struct tally *tally)
{
	struct http_body body;
	struct span data;
	int r;

	http_body_init(&body, head, limits.body_bytes);
	do {
		r = http_body_take(&body, in, &data);
		if (r <= HTTP_DONE)
			tally->body_bytes += data.len;
	} while (r == HTTP_MORE && in->len > 0);
	return r;
}

static int take_messages(struct span in, struct tally *tally)
{
	static struct http_head head;
	int r;

	do {
		r = http_head_parse(in, &limits, &head);
		if (r != HTTP_DONE)
			return r;
		in = span_skip(in, head.bytes);
		tally->target_bytes += head.target.len;
		tally->n_messages++;
		r = take_body(&head, &in, tally);
		if (r != HTTP_DONE)
			return r;
	} while (in.len > 0 && head.keep_alive);
	return HTTP_DONE;
}

static void print_verdict(int r, const struct tally *tally)
{
	if (r > HTTP_DONE)
		printf("%d", r);
	else
		printf("%s", r == HTTP_DONE ? "ok" : "more");
	printf(" %u %zu %zu\n", tally->n_messages, tally->target_bytes, tally->body_bytes);
}

int main(void)
{
	static char bytes[INPUT_BYTES_MAX];
	unsigned char prefix[4];
	struct tally tally;
	size_t len;
	int r;

	http_scan_init();
	while (fread(prefix, 1, sizeof(prefix), stdin) == sizeof(prefix)) {
		len = prefix[0] | prefix[1] << 8 | prefix[2] << 16 | (size_t)prefix[3] << 24;
		must(len <= sizeof(bytes));
		must(fread(bytes, 1, len, stdin) == len);
		tally = (struct tally){ 0 };
		r = take_messages((struct span){ bytes, len }, &tally);
		print_verdict(r, &tally);
	}
	return ferror(stdin) || fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
