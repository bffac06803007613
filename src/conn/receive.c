/* SPDX-License-Identifier: MIT */
/*
 * receive - bytes in
 *
 * They are taken where they lie, in the engine's buffer. What the state does not take, because a request
 * is incomplete or another is being answered, is copied and held; with too much of that, receiving stops
 * until it is taken.
 */
#include "conn/conn.h"

#include "base/metrics.h"

#include <errno.h>
#include <stdlib.h>

struct hold {
	uint32_t	size;
	uint32_t	begin;
	uint32_t	end;
	uint32_t	seen;	/* bytes the parser has seen without finding an end; see worth_parsing() */
	char		data[];
};

#define HOLD_SMALL (BLOCK_BYTES - sizeof(struct hold))

static struct span held(const struct hold *hold)
{
	return (struct span){ hold->data + hold->begin, hold->end - hold->begin };
}

size_t conn_held_bytes(const struct conn *c)
{
	return c->hold ? held(c->hold).len : 0;
}

static void free_hold(struct conn_table *table, struct hold *hold)
{
	if (hold->size == HOLD_SMALL)
		pool_give(&table->blocks, hold);
	else
		free(hold);
}

void conn_drop_hold(struct conn_table *table, struct conn *c)
{
	if (c->hold)
		free_hold(table, c->hold);
	c->hold = NULL;
}

/* A hold with room for @n bytes; the larger ones grow in powers of two. */
static struct hold *make_hold(struct conn_table *table, size_t n)
{
	size_t size = HOLD_SMALL;
	struct hold *hold;

	while (size < n)
		size *= 2;
	hold = size == HOLD_SMALL ? pool_take(&table->blocks) : malloc(sizeof(*hold) + size);
	if (hold)
		*hold = (struct hold){ .size = (uint32_t)size };
	return hold;
}

/* Copies @in behind what is held. Return: 0 or -ENOMEM. */
static int hold_bytes(struct conn_table *table, struct conn *c, struct span in)
{
	struct span old = c->hold ? held(c->hold) : SPAN_NULL;
	struct hold *hold = c->hold;

	if (!hold || hold->size - hold->end < in.len) {
		hold = make_hold(table, old.len + in.len);
		if (!hold)
			return -ENOMEM;
		if (old.len > 0)
			memcpy(hold->data, old.at, old.len);
		hold->end = (uint32_t)old.len;
		hold->seen = c->hold ? c->hold->seen : 0;
		conn_drop_hold(table, c);
		c->hold = hold;
	}
	memcpy(hold->data + hold->end, in.at, in.len);
	hold->end += (uint32_t)in.len;
	return 0;
}

bool conn_takes_input(const struct conn *c)
{
	switch ((enum conn_state)c->state) {
	case CONN_IDLE:
	case CONN_HEAD:
	case CONN_BODY:
		return c->output.n_bytes <= OUTPUT_HIGH;
	case CONN_STREAM:
		return stream_takes_input(c);
	case CONN_LINGERING:
	case CONN_SENDING:
		return true;
	case CONN_HANDLING:
	case CONN_CLOSING:
		return false;
	}
	return false;
}

static void take_input(struct conn_table *table, struct conn *c, struct span *in)
{
	while (in->len > 0 && conn_takes_input(c)) {
		size_t before = in->len;
		uint8_t state = c->state;

		conn_states[state].on_received(table, c, in);
		if (in->len == before && c->state == state)
			break;
	}
	if (c->state == CONN_CLOSING)
		in->len = 0;
}

/*
 * Without a new line end the parser could only repeat itself: a head that comes byte by byte is parsed
 * anew at its line ends and each time it has grown by a quarter, so that what is wrong is still refused
 * early and the work stays in proportion.
 */
static bool worth_parsing(struct hold *hold)
{
	struct span in = held(hold);
	bool worth = in.len < 64 || in.len >= hold->seen + hold->seen / 4 ||
		     memchr(in.at + hold->seen, '\n', in.len - hold->seen);

	if (worth)
		hold->seen = (uint32_t)in.len;
	return worth;
}

void conn_resume(struct conn_table *table, struct conn *c)
{
	struct hold *hold = c->hold;
	struct span in;
	size_t before;

	if (!hold || !conn_takes_input(c))
		return;
	if (c->state == CONN_HEAD && !worth_parsing(hold))
		return;
	if (c->state == CONN_STREAM && !stream_wants(c->stream, held(hold).len))
		return;
	c->unsettled = true;
	c->heard_ms = table->engine->now_ms;	/* it was we who did not listen */
	in = held(hold);
	before = in.len;
	c->hold = NULL;		/* so that whoever closes the connection does not free it under us */
	take_input(table, c, &in);
	if (in.len == 0) {
		free_hold(table, hold);
		return;
	}
	hold->begin = hold->end - (uint32_t)in.len;
	if (in.len < before)
		hold->seen = 0;
	c->hold = hold;
}

static void note_gap(struct conn *c, uint64_t now_ms)
{
	if (c->state == CONN_IDLE && c->served && now_ms - c->since_ms > c->gap_ms)
		c->gap_ms = now_ms - c->since_ms;
}

static void on_bytes(struct conn_table *table, struct conn *c, struct span in)
{
	note_gap(c, table->engine->now_ms);
	c->heard_ms = table->engine->now_ms;
	if (c->hold) {
		if (hold_bytes(table, c, in) < 0)
			conn_reset(table, c);
		else
			conn_resume(table, c);
		return;
	}
	take_input(table, c, &in);
	if (in.len == 0)
		return;
	if (hold_bytes(table, c, in) < 0)
		conn_reset(table, c);
	else
		c->hold->seen = (uint32_t)in.len;
}

void conn_on_received(struct conn_table *table, struct conn *c, const struct completion *completion)
{
	c->receiving = completion->more;
	if (!completion->more)
		c->once = c->stopping = false;
	if (c->state == CONN_CLOSING)
		return;
	if (completion->res > 0) {
		c->shedding = false;
		if (METRICS)
			conn_counters(table, c)->received += (uint64_t)completion->res;
		on_bytes(table, c, (struct span){ completion->data, (size_t)completion->res });
	} else if (completion->res == 0) {
		c->ended = true;
		conn_states[c->state].on_ended(table, c);
	} else if (completion->res == -ENOBUFS || completion->res == -ECANCELED) {
		conn_on_stopped(table, c, completion->res);
	} else {
		conn_close(table, c);
	}
}
