/* SPDX-License-Identifier: MIT */
/*
 * shed - idle connections given away: some of them, or all there are because we leave
 *
 * One that has nothing under way but its receive is asked to stop receiving. If that ends with nothing received,
 * nobody but the kernel knows more of the connection than we do, and it goes to whoever ->give knows, its
 * descriptor with it. If something came first, it stays, until next time.
 */
#include "conn/conn.h"

#include <errno.h>

/* Before a request, and nothing else is known of it. */
static bool is_at_rest(const struct conn *c)
{
	return c->fd >= 0 && c->state == CONN_IDLE && !c->closing && !c->ended && !c->hold && !c->sending &&
	       !c->awaits_room && !c->dirty && c->output.n_bytes == 0;
}

/* What has not asked yet will hardly live long, and who looks at the pool is no load: both go with all others only. */
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

void conn_on_stopped(struct conn_table *table, struct conn *c, int res)
{
	bool sheds = c->shedding && res == -ECANCELED && !c->receiving && may_go(table, c);

	c->shedding = false;
	if (!sheds || !table->give)
		return;
	engine_leave(table->engine, c->fd);
	if (table->give(c->fd, table->give_ctx) < 0)
		return;
	conn_counters(table, c)->given++;
	c->closed = true;	/* for us: the number is no longer ours */
	conn_close(table, c);
}
