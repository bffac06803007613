/* SPDX-License-Identifier: MIT */
/*
 * close - leaving without destroying what was said
 *
 * close(2) with unread input resets the connection, and the reset can overtake the answer. So after an
 * answer that the client may have talked over we shut our side, read on and throw away until the client
 * ends, a time or a number of bytes (RFC 9112 section 9.6). A client that asked for the close and has
 * said nothing behind it is just closed.
 *
 * A descriptor is closed only after each operation on it has completed; shutting the socket makes them.
 */
#include "conn/conn.h"

#include <sys/socket.h>

static void linger(struct conn_table *table, struct conn *c)
{
	shutdown(c->fd, SHUT_WR);
	conn_drop_hold(table, c);
	conn_enter(table, c, CONN_LINGERING);
}

void conn_leave(struct conn_table *table, struct conn *c)
{
	if (c->ended || (c->polite && !c->receiving))
		conn_close(table, c);
	else
		linger(table, c);
}

void conn_close(struct conn_table *table, struct conn *c)
{
	struct brood_request *r = c->request;

	if (c->state == CONN_CLOSING)
		return;
	conn_enter(table, c, CONN_CLOSING);
	wheel_set(&table->deadlines, &c->timer, WHEEL_NEVER);
	if (r)
		request_abort(r);
	if (c->stream)
		stream_abort(table, c);
	conn_drop_hold(table, c);
	if (c->farewell)	/* the kernel may have closed it already: the number is not ours to use */
		engine_send_stop(table->engine, c->fd, (struct tag){ CONN_OWNER, c->generation, c->index });
	else if (c->receiving || c->sending || c->awaits_room)
		shutdown(c->fd, SHUT_RDWR);
	conn_try_free(table, c);
}

/*
 * Dissolving the association sends the reset now and completes what is under way. A close that does not linger
 * would send one as well, but behind the end that the shutdown before it has said, and that may be believed.
 */
void conn_reset(struct conn_table *table, struct conn *c)
{
	const struct sockaddr nobody = { .sa_family = AF_UNSPEC };

	if (!c->farewell)
		(void)connect(c->fd, &nobody, sizeof(nobody));	/* fails only if there is nobody any more */
	conn_close(table, c);
}

void conn_try_free(struct conn_table *table, struct conn *c)
{
	if (c->receiving || c->sending || c->awaits_room || c->dirty)
		return;
	conn_settle_busy(table, c);
	output_clear(table, &c->output);	/* only now: a send under way reads it */
	if (!c->closed)
		engine_close(table->engine, c->fd);
	conn_table_give(table, c);
}
