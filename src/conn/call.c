/* SPDX-License-Identifier: MIT */
/*
 * call - into the service or the handler, and back
 *
 * Code that is not ours is run here and nowhere else. With ->contain it may fault: then whoever catches the
 * signal jumps to ->escape, and the call comes back as one that failed. Nothing of what that code left half
 * done is undone. While code of our own runs there is no ->escape.
 */
#include "conn/conn.h"

struct outside {
	struct brood_request	*request;
	brood_event_fn		*fn;
	struct brood_stream	*stream;
	stream_fn		*stream_fn;
	void			(*plain_fn)(void *arg);
	void			*arg;
};

/* By itself, because a function that sets a jump is neither inlined nor optimised much. Costs 5 ns a call. */
__attribute__((noinline))
static bool call_contained(struct conn_table *table, const struct outside *o)
{
	sigjmp_buf escape;
	bool returned = false;

	if (sigsetjmp(escape, 0) == 0) {	/* the signal's catcher sees to the mask */
		table->escape = &escape;
		if (o->fn)
			o->fn(o->request, o->arg);
		else if (o->stream_fn)
			o->stream_fn(o->stream, o->arg);
		else if (o->plain_fn)
			o->plain_fn(o->arg);
		returned = true;
	}
	table->escape = NULL;
	if (!returned)
		table->counters.faults++;
	return returned;
}

bool call_outside(struct brood_request *r, brood_event_fn *fn, void *arg)
{
	struct conn_table *table = r->table;
	bool returned = true;

	r->inside = true;
	table->current = r;
	if (table->contain && !r->conn->admin)
		returned = call_contained(table, &(struct outside){ .request = r, .fn = fn, .arg = arg });
	else
		fn(r, arg);
	table->current = NULL;
	r->inside = false;
	return returned;
}

bool call_stream(struct brood_stream *s, stream_fn *fn, void *call)
{
	struct conn_table *table = s->table;
	bool returned = true;

	table->current_stream = s;
	if (table->contain)
		returned = call_contained(table, &(struct outside){ .stream = s, .stream_fn = fn, .arg = call });
	else
		fn(s, call);
	table->current_stream = NULL;
	return returned;
}

bool call_plain(struct conn_table *table, void (*fn)(void *arg), void *arg)
{
	if (table->contain)
		return call_contained(table, &(struct outside){ .plain_fn = fn, .arg = arg });
	fn(arg);
	return true;
}
