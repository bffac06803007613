/* SPDX-License-Identifier: MIT */
/*
 * answer - every byte that comes is held against what was asked
 *
 * The answers come in the order of the questions, each with its key and its bytes of the pattern. One that is
 * no 200 is taken only where that may be, and nothing is answered behind one that says it is the last.
 */
#include "world/client.h"

#include "world/cover.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct question *question_of(const struct client *c)
{
	return c->n_answered < c->n_questions ? &c->questions[c->n_answered] : NULL;
}

static bool has_line(const char *head, const char *line)
{
	return strstr(head, line) != NULL;
}

/* A status that is not 200, and where it comes from. */
static bool may_be(const struct client *c, int status)
{
	const struct question *q = question_of(c);

	switch (status) {
	case 408:
		return c->slept || !is_owed(c) || world.short_timeouts;
	case 500:
		return chance_possible(FAULT_NO_MEMORY);
	case 503:	/* to what a worker can die of */
		return q && (q->ask == ASK_CRASH || q->ask == ASK_HANG || q->ask == ASK_SPIN);
	default:
		return c->habit == HABIT_BABBLES || c->habit == HABIT_TALKS_ON;
	}
}

static void check_key(const struct client *c, const char *head)
{
	const char *field = strstr(head, "\r\nX-Key: ");
	const struct question *q = question_of(c);
	uint64_t key = field ? strtoull(field + 9, NULL, 10) : 0;

	if (!field && chance_possible(FAULT_NO_MEMORY))
		return;
	holds(q, "client %u: an answer to no question: %s", c->number, head);
	holds(key == q->key, "client %u: asked %" PRIu64 " and was answered %" PRIu64, c->number, q->key, key);
}

static void finish(struct client *c)
{
	c->answer.reading = READING_HEAD;
	c->answer.n_line = 0;
	c->n_answered++;
	cover_count(&cover->answers);
}

static void begin_body(struct client *c, const char *head)
{
	struct answer *a = &c->answer;
	const char *length = strstr(head, "\r\nContent-Length: ");

	a->at = 0;
	a->n_line = 0;
	if (has_line(head, "\r\nTransfer-Encoding: chunked\r\n")) {
		a->reading = READING_SIZE;
		return;
	}
	holds(length, "client %u: an answer without a length: %s", c->number, head);
	a->left = strtoull(length + 18, NULL, 10);
	a->reading = READING_BODY;
	holds(!a->ours || a->left == question_of(c)->n, "client %u: an answer of another length", c->number);
	if (a->left == 0)
		finish(c);
}

static void end_head(struct client *c)
{
	struct answer *a = &c->answer;
	char *head = a->line;
	int status;

	head[a->n_line] = '\0';
	holds(strncmp(head, "HTTP/1.1 ", 9) == 0, "client %u: no answer: %s", c->number, head);
	holds(!a->closes, "client %u: an answer behind the last: %s", c->number, head);
	status = atoi(head + 9);
	a->ours = status == 200;
	a->closes = has_line(head, "\r\nConnection: close\r\n");
	if (a->ours && c->habit != HABIT_BABBLES)
		check_key(c, head);
	else if (!a->ours)
		holds(may_be(c, status), "client %u: answered %d", c->number, status);
	a->ours &= c->habit != HABIT_BABBLES;
	begin_body(c, head);
}

static void take_body_byte(struct client *c, char byte)
{
	struct answer *a = &c->answer;
	const struct question *q = question_of(c);

	if (a->ours)
		holds(a->at < q->n && byte == pattern_at(q->key * PATTERN_STRIDE + a->at),
		      "client %u: a foreign byte at %" PRIu64 " of the answer to %" PRIu64, c->number, a->at, q->key);
	a->at++;
	a->left--;
}

static void end_size(struct client *c)
{
	struct answer *a = &c->answer;

	a->line[a->n_line] = '\0';
	holds(isxdigit((unsigned char)a->line[0]), "client %u: no size of a chunk: %s", c->number, a->line);
	a->left = strtoull(a->line, NULL, 16);
	a->n_line = 0;
	a->reading = a->left > 0 ? READING_CHUNK : READING_TRAILER;
	if (a->left == 0 && a->ours)
		holds(a->at == question_of(c)->n, "client %u: an answer of another length", c->number);
}

/* Collects up to and with @end. */
static bool ends_with(struct client *c, char byte, const char *end)
{
	struct answer *a = &c->answer;
	size_t n = strlen(end);

	holds(a->n_line < sizeof(a->line) - 1, "client %u: a line without an end", c->number);
	a->line[a->n_line++] = byte;
	return a->n_line >= n && memcmp(a->line + a->n_line - n, end, n) == 0;
}

static void hear_byte(struct client *c, char byte)
{
	struct answer *a = &c->answer;

	switch (a->reading) {
	case READING_HEAD:
		if (ends_with(c, byte, "\r\n\r\n"))
			end_head(c);
		break;
	case READING_BODY:
		take_body_byte(c, byte);
		if (a->left == 0)
			finish(c);
		break;
	case READING_SIZE:
		if (ends_with(c, byte, "\r\n"))
			end_size(c);
		break;
	case READING_CHUNK:
		take_body_byte(c, byte);
		if (a->left == 0)
			a->reading = READING_CHUNK_END;
		break;
	case READING_CHUNK_END:
		if (ends_with(c, byte, "\r\n")) {
			a->n_line = 0;
			a->reading = READING_SIZE;
		}
		break;
	case READING_TRAILER:
		if (ends_with(c, byte, "\r\n"))
			finish(c);
		break;
	}
}

void client_hear(struct client *c, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		hear_byte(c, bytes[i]);
}
