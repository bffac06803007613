/* SPDX-License-Identifier: MIT */
/*
 * call - into the service or the handler, and back
 *
 * Code that is not ours is run here and nowhere else. With ->contain it may fault: then whoever catches the
 * signal jumps to ->escape, and the call comes back as one that failed. Nothing of what that code left half
 * done is undone. While code of our own runs there is no ->escape.
 */
#include "conn/conn.h"

/* By itself, because a function that sets a jump is neither inlined nor optimised much. Costs 5 ns a call. */
__attribute__((noinline))
static bool call_contained(struct conn_table *table, struct brood_request *r, brood_event_fn *fn, void *arg)
{
	sigjmp_buf escape;
	bool returned = false;

	if (sigsetjmp(escape, 0) == 0) {	/* the signal's catcher sees to the mask */
		table->escape = &escape;
		fn(r, arg);
		returned = true;
	}
	table->escape = NULL;
	return returned;
}

bool call_outside(struct brood_request *r, brood_event_fn *fn, void *arg)
{
	struct conn_table *table = r->table;
	bool returned = true;

	r->inside = true;
	table->current = r;
	if (table->contain && !r->conn->admin)
		returned = call_contained(table, r, fn, arg);
	else
		fn(r, arg);
	table->current = NULL;
	r->inside = false;
	if (!returned)
		table->counters.faults++;
	return returned;
}
