/* SPDX-License-Identifier: MIT */
/*
 * known - the fields that decide how a message is read: Host, Content-Length, Transfer-Encoding,
 * Connection, Expect
 *
 * What could let two servers disagree about where a message ends is 400 and nothing milder.
 */
#include "http/grammar.h"

static bool is_name(struct span name, const char *lower, size_t len)
{
	unsigned char differ = 0;

	/* exact: of all token characters only letters become letters by 0x20, and '-' stays itself */
	for (size_t i = 0; i < len; i++)
		differ |= (unsigned char)((name.at[i] | 0x20) ^ lower[i]);
	return differ == 0;
}

static int note_host(struct parse *p, struct span value)
{
	if (p->seen & SEEN_HOST || !http_authority_valid(value))
		return 400;
	p->seen |= SEEN_HOST;
	if (p->head->host.len == 0)	/* an absolute target goes first (RFC 9112 3.2.2) */
		p->head->host = value;
	return HTTP_DONE;
}

/*
 * A tab behind a length or a coding is white space like any other to RFC 9110, and an error to the
 * parsers that others run; where those could disagree with us about framing we side with them.
 * Behind a trimmed value there is always the CR of its line.
 */
static bool ends_with_tab(struct span value)
{
	const char *at = value.at + value.len;

	while (*at == ' ')
		at++;
	return *at == '\t';
}

static int note_length(struct parse *p, struct span value)
{
	if (p->seen & (SEEN_LENGTH | SEEN_CODING) || ends_with_tab(value))
		return 400;
	if (http_decimal(value, &p->head->content_length) < 0)
		return 400;
	p->seen |= SEEN_LENGTH;
	return HTTP_DONE;
}

static int note_coding(struct parse *p, struct span value)
{
	if (p->seen & (SEEN_LENGTH | SEEN_CODING) || p->head->minor == 0)
		return 400;
	if (ends_with_tab(value) || !span_equal_nocase(value, SPAN("chunked")))
		return 400;
	p->seen |= SEEN_CODING;
	p->head->chunked = true;
	return HTTP_DONE;
}

static int note_connection(struct parse *p, struct span value)
{
	struct span option;

	while (http_list_next(&value, &option)) {
		if (span_equal_nocase(option, SPAN("close")))
			p->seen |= SEEN_CLOSE;
		else if (span_equal_nocase(option, SPAN("keep-alive")))
			p->seen |= SEEN_KEEP_ALIVE;
	}
	return HTTP_DONE;
}

static int note_expect(struct parse *p, struct span value)
{
	if (!span_equal_nocase(value, SPAN("100-continue")))
		p->seen |= SEEN_UNEXPECTED;
	else if (p->head->minor > 0)
		p->head->expect_continue = true;
	return HTTP_DONE;
}

int http_known_field(struct parse *p, const struct http_field *field)
{
	struct span name = field->name, value = field->value;

	switch (name.len) {
	case 4:
		return is_name(name, "host", 4) ? note_host(p, value) : HTTP_DONE;
	case 6:
		return is_name(name, "expect", 6) ? note_expect(p, value) : HTTP_DONE;
	case 10:
		return is_name(name, "connection", 10) ? note_connection(p, value) : HTTP_DONE;
	case 14:
		return is_name(name, "content-length", 14) ? note_length(p, value) : HTTP_DONE;
	case 17:
		return is_name(name, "transfer-encoding", 17) ? note_coding(p, value) : HTTP_DONE;
	default:
		return HTTP_DONE;
	}
}

/* Before 1.1 a body had no other end than its length or the connection's, which is taken by the answer. */
static bool lacks_length(const struct parse *p)
{
	enum http_method method = p->head->method;

	return p->head->minor == 0 && !(p->seen & SEEN_LENGTH) &&
	       (method == HTTP_POST || method == HTTP_PUT || method == HTTP_PATCH);
}

int http_known_judge(struct parse *p)
{
	struct http_head *head = p->head;

	if (head->minor > 0 && !(p->seen & SEEN_HOST))
		return 400;
	if (p->seen & SEEN_UNEXPECTED)
		return 417;
	if (lacks_length(p))
		return 411;
	if (head->content_length > p->limits->body_bytes)
		return 413;
	head->keep_alive = !(p->seen & SEEN_CLOSE) && (head->minor > 0 || p->seen & SEEN_KEEP_ALIVE);
	return HTTP_DONE;
}
