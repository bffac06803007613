/* SPDX-License-Identifier: MIT */
/*
 * shed - idle connections given away
 *
 * One that has nothing under way but its receive is asked to stop receiving. If that ends with nothing received,
 * nobody but the kernel knows more of the connection than we do, and it is given to whoever ->give knows; our
 * descriptor is then closed and no more, since the socket lives on. If something came first, it stays.
 */
#include "conn/conn.h"

#include <errno.h>

/* Between two requests, and nothing else is known of it. */
static bool is_at_rest(const struct conn *c)
{
	return c->fd >= 0 && c->state == CONN_IDLE && c->served && !c->closing && !c->ended && !c->hold &&
	       !c->sending && !c->awaits_room && !c->dirty && c->output.n_bytes == 0;
}

void conn_table_shed(struct conn_table *table, unsigned n)
{
	for (uint32_t i = 0; i < table->n_slabs * CONNS_A_SLAB && n > 0 && !table->draining; i++) {
		struct conn *c = conn_at(table, i);

		if (!is_at_rest(c) || !c->receiving || c->stopping)
			continue;
		c->stopping = c->shedding = true;
		engine_recv_stop(table->engine, c->fd, (struct tag){ CONN_OWNER, c->generation, c->index });
		n--;
	}
}

void conn_on_stopped(struct conn_table *table, struct conn *c, int res)
{
	bool sheds = c->shedding && res == -ECANCELED && !c->receiving && !table->draining && is_at_rest(c);

	c->shedding = false;
	if (!sheds)
		return;
	engine_leave(table->engine, c->fd);
	if (!table->give || table->give(c->fd, table->give_ctx) < 0)
		return;
	table->counters.given++;
	conn_close(table, c);
}
