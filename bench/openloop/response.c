/* SPDX-License-Identifier: MIT */
/*
 * response - one answer read as it comes, in the strict reading
 *
 * A head or a line is taken whole or not at all, so the caller holds what is incomplete; bodies are
 * counted through. Broken is: another version, a status that is none, a line without its CRLF or colon, two
 * lengths, a length beside chunks, and a body whose end is not told on a connection that stays.
 */
#include "openloop.h"

#include <string.h>
#include <strings.h>

enum stage {
	STAGE_HEAD, STAGE_LENGTH, STAGE_STREAM, STAGE_CHUNK, STAGE_CHUNK_DATA, STAGE_CHUNK_END, STAGE_TRAILER,
};

enum step { STEP_ON, STEP_MORE, STEP_DONE, STEP_BROKEN };

struct text {
	const char	*at;
	size_t		 n;
};

struct head {
	uint16_t	status;
	bool		has_length;
	bool		chunked;
	bool		close;
	uint64_t	length;
};

/* Cuts the first line off @rest, without its CRLF. */
static enum step cut_line(struct text *rest, struct text *ret_line)
{
	const char *end = memchr(rest->at, '\n', rest->n);

	if (!end)
		return STEP_MORE;
	if (end == rest->at || end[-1] != '\r')
		return STEP_BROKEN;
	ret_line->at = rest->at;
	ret_line->n = (size_t)(end - rest->at) - 1;
	rest->n -= ret_line->n + 2;
	rest->at = end + 1;
	return STEP_ON;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_text(struct text t, const char *lower)
{
	return strlen(lower) == t.n && strncasecmp(t.at, lower, t.n) == 0;
}

static bool parse_status(struct text line, struct head *head)
{
	if (line.n < 13 || memcmp(line.at, "HTTP/1.", 7) != 0 || (line.at[7] != '1' && line.at[7] != '0') ||
	    line.at[8] != ' ' || line.at[12] != ' ' || !is_digit(line.at[9]) || !is_digit(line.at[10]) ||
	    !is_digit(line.at[11]))
		return false;
	head->status = (uint16_t)((line.at[9] - '0') * 100 + (line.at[10] - '0') * 10 + line.at[11] - '0');
	head->close = line.at[7] == '0';
	return head->status >= 100 && head->status < STATUS_MAX;
}

static bool parse_length(struct text value, struct head *head)
{
	uint64_t length = 0;

	if (value.n == 0 || value.n > 18 || head->has_length)
		return false;
	for (size_t i = 0; i < value.n; i++) {
		if (!is_digit(value.at[i]))
			return false;
		length = length * 10 + (uint64_t)(value.at[i] - '0');
	}
	head->has_length = true;
	head->length = length;
	return true;
}

static bool parse_field(struct text line, struct head *head)
{
	const char *colon = memchr(line.at, ':', line.n);
	struct text name, value;

	if (!colon || colon == line.at || *line.at == ' ' || *line.at == '\t' || colon[-1] == ' ')
		return false;
	name = (struct text){ line.at, (size_t)(colon - line.at) };
	value = (struct text){ colon + 1, line.n - name.n - 1 };
	while (value.n && (*value.at == ' ' || *value.at == '\t'))
		value = (struct text){ value.at + 1, value.n - 1 };
	while (value.n && (value.at[value.n - 1] == ' ' || value.at[value.n - 1] == '\t'))
		value.n--;
	if (is_text(name, "content-length"))
		return parse_length(value, head);
	if (is_text(name, "connection")) {
		if (is_text(value, "keep-alive"))
			head->close = false;
		else if (is_text(value, "close"))
			head->close = true;
	} else if (is_text(name, "transfer-encoding")) {
		if (head->chunked || !is_text(value, "chunked"))
			return false;
		head->chunked = true;
	}
	return true;
}

static enum step begin_body(struct response *r, const struct head *head)
{
	if (head->chunked && head->has_length)
		return STEP_BROKEN;
	if (head->status < 200)
		return head->status == 101 ? STEP_BROKEN : STEP_ON;	/* interim: another head follows */
	r->status = head->status;
	r->close = head->close;
	r->left_bytes = head->length;
	r->stage = head->chunked ? STAGE_CHUNK : head->has_length ? STAGE_LENGTH : STAGE_STREAM;
	if (head->status == 204 || head->status == 304)
		return STEP_DONE;
	if (r->stage == STAGE_STREAM && !r->close)
		return STEP_BROKEN;
	return r->stage == STAGE_LENGTH && r->left_bytes == 0 ? STEP_DONE : STEP_ON;
}

static enum step read_head(struct response *r, struct text *rest)
{
	struct head head = { 0 };
	struct text at = *rest, line;
	enum step step = cut_line(&at, &line);

	if (step != STEP_ON)
		return step;
	if (!parse_status(line, &head))
		return STEP_BROKEN;
	while ((step = cut_line(&at, &line)) == STEP_ON && line.n > 0)
		if (!parse_field(line, &head))
			return STEP_BROKEN;
	if (step != STEP_ON)
		return step;
	*rest = at;
	return begin_body(r, &head);
}

/* "pid":N and pid:N are told apart from the rest byte by byte, because a body comes in any pieces. */
static void search_pid(struct response *r, struct text body)
{
	enum { P, I, D, COLON, DIGITS, FOUND };

	for (size_t i = 0; i < body.n && r->pid_stage != FOUND; i++) {
		char c = body.at[i];

		if (r->pid_stage == DIGITS && is_digit(c))
			r->pid = r->pid * 10 + (uint32_t)(c - '0');
		else if (r->pid_stage == DIGITS && r->pid > 0)
			r->pid_stage = FOUND;
		else if (r->pid_stage == COLON && c == ':')
			r->pid_stage = DIGITS;
		else if ((r->pid_stage == I && c == 'i') || (r->pid_stage == D && c == 'd'))
			r->pid_stage++;
		else if (!(r->pid_stage == COLON && c == '"') && !(r->pid_stage == DIGITS && c == ' '))
			r->pid_stage = c == 'p' ? I : P;
	}
}

static bool read_data(struct response *r, struct text *rest)
{
	struct text data = *rest;

	if (r->stage != STAGE_STREAM && data.n > r->left_bytes)
		data.n = r->left_bytes;
	if (r->wants_pid)
		search_pid(r, data);
	rest->at += data.n;
	rest->n -= data.n;
	r->left_bytes -= r->stage != STAGE_STREAM ? data.n : 0;
	return r->stage != STAGE_STREAM && r->left_bytes == 0;
}

static int hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	c |= 'a' ^ 'A';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum step read_chunk_head(struct response *r, struct text *rest)
{
	struct text line;
	enum step step = cut_line(rest, &line);
	uint64_t bytes = 0;
	size_t n = 0;

	if (step != STEP_ON)
		return step;
	for (; n < line.n && hex_value(line.at[n]) >= 0; n++)
		bytes = bytes << 4 | (uint64_t)hex_value(line.at[n]);
	if (n == 0 || n > 15 || (n < line.n && line.at[n] != ';'))
		return STEP_BROKEN;
	r->left_bytes = bytes;
	r->stage = bytes ? STAGE_CHUNK_DATA : STAGE_TRAILER;
	return STEP_ON;
}

static enum step read_line(struct response *r, struct text *rest)
{
	struct text line;
	enum step step = cut_line(rest, &line);

	if (step != STEP_ON)
		return step;
	if (r->stage == STAGE_TRAILER)
		return line.n == 0 ? STEP_DONE : STEP_ON;
	r->stage = STAGE_CHUNK;
	return line.n == 0 ? STEP_ON : STEP_BROKEN;
}

static enum step read_on(struct response *r, struct text *rest)
{
	switch ((enum stage)r->stage) {
	case STAGE_HEAD:
		return read_head(r, rest);
	case STAGE_LENGTH:
		return read_data(r, rest) ? STEP_DONE : STEP_MORE;
	case STAGE_STREAM:
		read_data(r, rest);
		return STEP_MORE;
	case STAGE_CHUNK:
		return read_chunk_head(r, rest);
	case STAGE_CHUNK_DATA:
		if (!read_data(r, rest))
			return STEP_MORE;
		r->stage = STAGE_CHUNK_END;
		return STEP_ON;
	case STAGE_CHUNK_END:
	case STAGE_TRAILER:
		return read_line(r, rest);
	}
	return STEP_BROKEN;
}

enum verdict response_feed(struct response *r, const char *bytes, size_t n, size_t *ret_taken)
{
	struct text rest = { bytes, n };
	enum step step;

	do
		step = read_on(r, &rest);
	while (step == STEP_ON);
	*ret_taken = n - rest.n;
	if (step == STEP_MORE)
		return RESPONSE_MORE;
	return step == STEP_DONE ? RESPONSE_DONE : RESPONSE_BROKEN;
}

bool response_ends_with_stream(const struct response *r)
{
	return r->stage == STAGE_STREAM;
}
