/* SPDX-License-Identifier: MIT */
#include "http/grammar.h"

#define WEIGHT_MAX 1000
#define WEIGHT_LEAST 1		/* acceptable, but nothing is less wanted */

/* "0.5", "1.000". Return: 0..1000, or -1. */
static int read_weight(struct span text)
{
	int weight = 0, unit = WEIGHT_MAX;

	if (text.len == 0 || text.len > 5 || (text.len > 1 && text.at[1] != '.'))
		return -1;
	for (size_t i = 0; i < text.len; i++) {
		if (i == 1)
			continue;
		if (!char_is_digit(text.at[i]))
			return -1;
		weight += (text.at[i] - '0') * unit;
		unit /= 10;
	}
	return weight <= WEIGHT_MAX ? weight : -1;
}

/* Parts "gzip ; q=0.5". Return: its weight; what cannot be read is not wanted. */
static int split_element(struct span element, struct span *ret_coding)
{
	const char *mark = memchr(element.at, ';', element.len);
	size_t len = mark ? (size_t)(mark - element.at) : element.len;
	struct span weight;
	int r;

	*ret_coding = http_trim((struct span){ element.at, len });
	if (!mark)
		return WEIGHT_MAX;
	weight = http_trim(span_skip(element, len + 1));
	if (weight.len < 2 || (weight.at[0] | 0x20) != 'q' || weight.at[1] != '=')
		return 0;
	r = read_weight(span_skip(weight, 2));
	return r < 0 ? 0 : r;
}

static bool same_coding(struct span listed, struct span coding)
{
	/* "x-" is the old name of the same thing for gzip and compress (RFC 9110 8.4.1) */
	if (listed.len > 2 && span_equal_nocase((struct span){ listed.at, 2 }, SPAN("x-")))
		listed = span_skip(listed, 2);
	return span_equal_nocase(listed, coding);
}

int http_accept_encoding(struct span value, struct span coding)
{
	int any = span_equal_nocase(coding, SPAN("identity")) ? WEIGHT_LEAST : 0;
	struct span element, listed;
	int weight;

	while (http_list_next(&value, &element)) {
		if (element.len == 0)
			continue;
		weight = split_element(element, &listed);
		if (same_coding(listed, coding))
			return weight;
		if (span_equal(listed, SPAN("*")))
			any = weight;
	}
	return any;
}
