/* SPDX-License-Identifier: MIT */
/* question - what a client asks, in bytes */
#include "world/client.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static uint64_t last_key;

void questions_begin(void)
{
	last_key = 0;
}

__attribute__((format(printf, 2, 3)))
static void say(struct client *c, const char *format, ...)
{
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(c->text + c->len, TEXT_MOST - c->len, format, arguments);
	va_end(arguments);
	c->len += (unsigned)n;
	holds(c->len < TEXT_MOST, "a client says too much");
}

/* What kills a worker is asked rarely, and in some worlds only. */
static enum ask choose_ask(void)
{
	static const enum ask harmless[] = { ASK_NOW, ASK_LATE, ASK_PIECES, ASK_SIZED, ASK_FILE, ASK_ECHO,
					    ASK_UNREAD };

	if (!chance_one_in(8))
		return harmless[chance_below(sizeof(harmless) / sizeof(harmless[0]))];
	switch (chance_below(6)) {
	case 0:
		return ASK_RETIRE;
	case 1:
		return ASK_SPIN;
	case 2:
		return ASK_SHORT;
	case 3:
		return ASK_NEVER;
	case 4:
		return world.seed % 3 == 0 ? ASK_CRASH : ASK_NOW;
	default:
		return world.seed % 7 == 0 ? ASK_HANG : ASK_NOW;
	}
}

static uint64_t some_length(void)
{
	return chance_one_in(8) ? chance_below(4000) : chance_below(300);
}

static void say_body(struct client *c, const struct question *q, bool chunked)
{
	uint64_t at = q->key * PATTERN_STRIDE, left = q->n;

	while (left > 0) {
		size_t n = chunked ? 1 + chance_below(left) : left;

		if (chunked)
			say(c, "%zx\r\n", n);
		pattern_fill(c->text + c->len, at, n);
		c->len += (unsigned)n;
		if (chunked)
			say(c, "\r\n");
		at += n;
		left -= n;
	}
	if (chunked)
		say(c, "0\r\n\r\n");
}

static void ask(struct client *c, bool last)
{
	struct question *q = &c->questions[c->n_questions++];
	bool chunked = chance_one_in(2);
	bool has_body;

	*q = (struct question){ .ask = choose_ask(), .key = ++last_key, .last = last && chance_one_in(2) };
	has_body = ask_methods[q->ask][0] == 'P';
	q->n = has_body ? chance_below(1800) : some_length();
	say(c, "%s %s?key=%" PRIu64 "&n=%" PRIu64 "&ms=%" PRIu64 " HTTP/1.1\r\nHost: a\r\n", ask_methods[q->ask],
	    ask_paths[q->ask], q->key, q->n, chance_below(40));
	if (q->last || c->habit == HABIT_TALKS_ON)
		say(c, "Connection: close\r\n");
	if (has_body && chunked)
		say(c, "Transfer-Encoding: chunked\r\n");
	else if (has_body)
		say(c, "Content-Length: %" PRIu64 "\r\n", q->n);
	say(c, "\r\n");
	if (has_body)
		say_body(c, q, chunked);
	q->end = c->len;
}

static void babble(struct client *c)
{
	unsigned n = 1 + (unsigned)chance_below(300);

	if (chance_one_in(2)) {
		unsigned at = (unsigned)chance_below(c->len);

		c->text[at] = (char)chance_bits();	/* a request with one byte wrong */
		return;
	}
	c->len = 0;
	for (unsigned i = 0; i < n; i++)
		c->text[c->len++] = (char)chance_bits();
}

void client_think(struct client *c)
{
	bool one = c->habit == HABIT_ASKS_ONCE || c->habit == HABIT_BABBLES;
	unsigned n = one ? 1 : 1 + (unsigned)chance_below(ASKS_MOST);

	if (c->habit == HABIT_SAYS_NOTHING)
		return;
	for (unsigned i = 0; i < n; i++)
		ask(c, i == n - 1);
	if (c->habit == HABIT_TALKS_ON) {
		c->n_questions = 1;	/* what is behind the close is not answered */
		say(c, "and so on and so on");
	} else if (c->habit == HABIT_STALLS) {
		c->len -= (unsigned)chance_below(c->len);
	} else if (c->habit == HABIT_BABBLES) {
		babble(c);
	}
}
