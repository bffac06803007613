/* SPDX-License-Identifier: MIT */
/*
 * proxy_flow - bytes from one side of a pair to the other
 *
 * They pass through one scratch buffer; only what a send would not take is held, at most one receive of it,
 * and nothing more is read of that flow until it is gone. The end of a flow is passed on as a half-close.
 */
#include "proxy.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

#define SCRATCH_BYTES 65536
#define STEPS_MAX 16			/* receives of one flow before others have their turn */

static char scratch[SCRATCH_BYTES];

/* Sends bytes. Return: how many it took, 0 when none fit, or -errno. */
static ssize_t side_send(struct side *side, const char *bytes, size_t len)
{
	ssize_t n = send(side->fd, bytes, len, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN)
		return -errno;
	if (n < (ssize_t)len)
		side->writable = false;
	return n < 0 ? 0 : n;
}

/* Return: bytes, 0 at the end of the stream, -EAGAIN when there are none, or -errno. */
static ssize_t side_receive(struct side *side)
{
	ssize_t n = recv(side->fd, scratch, sizeof(scratch), 0);

	if (n < 0) {
		side->readable = errno != EAGAIN;
		return -errno;
	}
	if (n < (ssize_t)sizeof(scratch) && !side->ending)
		side->readable = false;		/* what comes now is a new edge */
	return n;
}

static void flow_hold(struct flow *flow, const char *bytes, size_t len)
{
	if (!flow->held)
		flow->held = malloc(SCRATCH_BYTES);
	if (!flow->held)
		err(1, "a buffer");
	memcpy(flow->held, bytes, len);
	flow->head = 0;
	flow->len = len;
}

static enum verdict flow_flush(struct flow *flow, struct side *to)
{
	ssize_t n;

	if (!to->writable)
		return FLOW_WAITS;
	n = side_send(to, flow->held + flow->head, flow->len);
	if (n < 0)
		return FLOW_BROKEN;
	flow->head += (size_t)n;
	flow->len -= (size_t)n;
	if (flow->len > 0)
		return FLOW_WAITS;
	free(flow->held);
	flow->held = NULL;
	return FLOW_GOES_ON;
}

static enum verdict flow_move(struct flow *flow, struct side *from, struct side *to)
{
	ssize_t n;
	ssize_t sent;

	if (!from->readable || !to->writable)
		return FLOW_WAITS;
	n = side_receive(from);
	if (n == -EAGAIN)
		return FLOW_WAITS;
	if (n < 0)
		return FLOW_BROKEN;
	if (n == 0) {
		flow->ended = true;
		return FLOW_GOES_ON;
	}
	sent = side_send(to, scratch, (size_t)n);
	if (sent < 0)
		return FLOW_BROKEN;
	if (sent < n)
		flow_hold(flow, scratch + sent, (size_t)(n - sent));
	return FLOW_GOES_ON;
}

static enum verdict flow_step(struct pair *pair, int i)
{
	struct flow *flow = &pair->flow[i];
	struct side *to = &pair->side[!i];

	if (flow->held)
		return flow_flush(flow, to);
	if (!flow->ended)
		return flow_move(flow, &pair->side[i], to);
	if (!flow->shut && !pair->flow[!i].shut && shutdown(to->fd, SHUT_WR) < 0)
		return FLOW_BROKEN;
	flow->shut = true;		/* the second is said by the close that follows */
	return FLOW_WAITS;
}

enum verdict flow_run(struct pair *pair, int i)
{
	enum verdict v = FLOW_GOES_ON;

	for (unsigned n = 0; n < STEPS_MAX && v == FLOW_GOES_ON; n++)
		v = flow_step(pair, i);
	return v;
}
