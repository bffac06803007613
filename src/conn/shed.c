/* SPDX-License-Identifier: MIT */
/*
 * shed - idle connections given away: some of them, or all there are because we leave
 *
 * One that has nothing under way but its receive is asked to stop receiving. If that ends with nothing received,
 * nobody but the kernel knows more of the connection than we do, and it goes to whoever ->give knows, its
 * descriptor with it. If something came first, it stays, until next time.
 *
 * When we leave, one is asked so together with its answer, which its client may not have seen before: what that
 * asks next waits in the kernel, for whoever has the connection by then.
 */
#include "conn/conn.h"

#include <errno.h>

/* Before a request, and nothing else is known of it. */
static bool is_at_rest(const struct conn *c)
{
	return c->fd >= 0 && c->state == CONN_IDLE && !c->closing && !c->ended && !c->hold && !c->sending &&
	       !c->awaits_room && !c->dirty && c->output.n_bytes == 0;
}

/*
 * What has not asked yet will hardly live long, and who looks at the pool is no load: both go with all others only.
 */
static bool may_go(const struct conn_table *table, const struct conn *c)
{
	return is_at_rest(c) && ((c->served && !c->admin) || table->leaving) && !table->draining;
}

static void stop_receiving(struct conn_table *table, struct conn *c)
{
	c->stopping = c->shedding = true;
	engine_recv_stop(table->engine, c->fd, (struct tag){ CONN_OWNER, c->generation, c->index });
}

bool conn_table_shed(struct conn_table *table, unsigned n)
{
	uint32_t n_places = table->n_slabs * CONNS_A_SLAB;

	for (uint32_t i = 0; i < n_places && n > 0; i++) {
		struct conn *c = conn_at(table, table->next_shed++ % n_places);

		if (!may_go(table, c) || !c->receiving || c->stopping)
			continue;
		stop_receiving(table, c);
		n--;
	}
	return n == 0;
}

void conn_shed_behind_answer(struct conn_table *table, struct conn *c)
{
	if (!table->leaving || table->draining || !table->give || c->hold || c->ended)
		return;
	if (!c->receiving)
		c->shedding = true;
	else if (!c->stopping)
		stop_receiving(table, c);
}

bool conn_shed_awaits_output(const struct conn_table *table, const struct conn *c)
{
	return c->shedding && c->state == CONN_IDLE && table->leaving && !table->draining && !c->closing && !c->ended &&
	       !c->hold && (c->output.n_bytes > 0 || c->sending || c->dirty);
}

void conn_on_stopped(struct conn_table *table, struct conn *c, int res)
{
	if (res != -ECANCELED)
		c->shedding = false;
}

bool conn_shed_settle(struct conn_table *table, struct conn *c)
{
	if (!c->shedding || c->receiving || conn_shed_awaits_output(table, c))
		return false;
	c->shedding = false;
	if (!may_go(table, c) || !table->give)
		return false;
	engine_leave(table->engine, c->fd);
	if (table->give(c->fd, table->give_ctx) < 0)
		return false;
	conn_counters(table, c)->given++;
	c->closed = true;	/* for us: the number is no longer ours */
	conn_close(table, c);
	return true;
}
