/* SPDX-License-Identifier: MIT */
/*
 * conditional - is what the client has still good? (RFC 9110 section 13)
 *
 * A condition that cannot be read is treated as the section says: a malformed list of tags matches as
 * far as it could be read, a malformed or repeated date is as if it had not been sent.
 */
#include "http/grammar.h"

struct etag {
	bool		weak;
	struct span	opaque;		/* with its quotes */
};

/* Takes one entity tag off the front. */
static bool take_etag(struct span *in, struct etag *ret_etag)
{
	bool weak = in->len >= 2 && memcmp(in->at, "W/", 2) == 0;
	struct span opaque = weak ? span_skip(*in, 2) : *in;
	size_t n = 1;

	if (opaque.len < 2 || opaque.at[0] != '"')
		return false;
	while (n < opaque.len && char_is(opaque.at[n], CHAR_ETAG))
		n++;
	if (n == opaque.len || opaque.at[n] != '"')
		return false;
	*in = span_skip(opaque, n + 1);
	*ret_etag = (struct etag){ weak, { opaque.at, n + 1 } };
	return true;
}

/* Takes white space and commas off the front. Return: was there a comma, or is nothing left? */
static bool take_commas(struct span *in)
{
	bool comma = false;

	while (in->len > 0 && (char_is_space(in->at[0]) || in->at[0] == ',')) {
		comma = comma || in->at[0] == ',';
		*in = span_skip(*in, 1);
	}
	return comma || in->len == 0;
}

bool http_etag_match(struct span list, struct span etag, bool strong)
{
	struct etag ours, theirs;
	struct span rest = etag;

	if (span_equal(http_trim(list), SPAN("*")))
		return true;
	if (!take_etag(&rest, &ours) || rest.len > 0 || (strong && ours.weak))
		return false;
	if (list.len > 0)
		take_commas(&list);
	while (list.len > 0 && take_etag(&list, &theirs)) {
		if (span_equal(ours.opaque, theirs.opaque) && !(strong && theirs.weak))
			return true;
		if (!take_commas(&list))
			return false;
	}
	return false;
}

/* Return: how often the field was sent; *ret_value is the first. */
static unsigned find_field(const struct http_head *head, struct span name, struct span *ret_value)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < head->n_fields; i++) {
		if (!span_equal_nocase(head->fields[i].name, name))
			continue;
		if (n++ == 0)
			*ret_value = head->fields[i].value;
	}
	return n;
}

static bool find_date(const struct http_head *head, struct span name, time_t *ret_when)
{
	struct span value;

	return find_field(head, name, &value) == 1 && http_date_parse(value, ret_when);
}

/* As http_etag_match(), over all fields of that name. */
static bool match_any(const struct http_head *head, struct span name, struct span etag, bool strong)
{
	for (uint32_t i = 0; i < head->n_fields; i++) {
		if (span_equal_nocase(head->fields[i].name, name) &&
		    http_etag_match(head->fields[i].value, etag, strong))
			return true;
	}
	return false;
}

/* Most requests carry no condition and are through here in one look at each name. */
static bool has_condition(const struct http_head *head)
{
	for (uint32_t i = 0; i < head->n_fields; i++) {
		struct span name = head->fields[i].name;

		if (name.len >= 8 && (name.at[0] | 0x20) == 'i' && name.at[2] == '-')
			return true;
	}
	return false;
}

int http_conditional(const struct http_head *head, struct span etag, time_t modified)
{
	bool dated = modified != (time_t)-1;
	struct span ignored;
	time_t when;

	if (!has_condition(head))
		return 200;
	if (find_field(head, SPAN("If-Match"), &ignored) > 0) {
		if (!match_any(head, SPAN("If-Match"), etag, true))
			return 412;
	} else if (dated && find_date(head, SPAN("If-Unmodified-Since"), &when) && modified > when) {
		return 412;
	}
	if (find_field(head, SPAN("If-None-Match"), &ignored) > 0)
		return match_any(head, SPAN("If-None-Match"), etag, false) ? 304 : 200;
	if (dated && find_date(head, SPAN("If-Modified-Since"), &when) && modified <= when)
		return 304;
	return 200;
}

bool http_if_range(const struct http_head *head, struct span etag, time_t modified)
{
	struct etag tag;
	struct span value, rest;
	time_t when;
	unsigned n = find_field(head, SPAN("If-Range"), &value);

	if (n != 1)
		return n == 0;
	rest = value;
	if (take_etag(&rest, &tag))
		return rest.len == 0 && http_etag_match(value, etag, true);
	return modified != (time_t)-1 && http_date_parse(value, &when) && when == modified;
}
