/* SPDX-License-Identifier: MIT */
/*
 * shed - idle connections to and from siblings (--rebalance)
 *
 * The parent says how many, and sends the giving end of the other worker's queue. It holds both ends of each
 * queue itself: what is in one is not lost when who was to read it dies, but is for the next.
 */
#include "worker/room.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static int give(int fd, void *ctx)
{
	const struct worker *w = ctx;

	return handoff_give(w->shed_fd, &fd, 1);
}

void shed_begin(struct worker *w, int queue_fd, unsigned n)
{
	shed_end(w);
	if (w->drain.on) {
		close(queue_fd);
		return;
	}
	w->shed_fd = queue_fd;
	w->conns.give = give;
	w->conns.give_ctx = w;
	conn_table_shed(&w->conns, n);
}

void shed_end(struct worker *w)
{
	if (w->shed_fd >= 0)
		close(w->shed_fd);
	w->shed_fd = -1;
	w->conns.give = NULL;
}

/* What a sibling gives is a connected TCP socket that does not block, or it is nothing for us. */
bool shed_is_connection(int fd)
{
	int protocol = 0, listens = 1;
	socklen_t len = sizeof(int);

	return getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) == 0 && protocol == IPPROTO_TCP &&
	       getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && !listens &&
	       (fcntl(fd, F_GETFL) & O_NONBLOCK);
}
