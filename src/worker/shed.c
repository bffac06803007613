/* SPDX-License-Identifier: MIT */
/*
 * shed - idle connections for siblings: some, when we have too many (--rebalance), or all, when we drain
 *
 * The parent sends the giving end of the other worker's inbox, and holds both ends of each itself: what is in one
 * is not lost when who was to read it dies, but is for the next. A draining worker that has an heir closes no idle
 * connection, because a client might be about to use it; what is busy is given away when it is not.
 *
 * Fails by: nobody reading the inbox, for half the time the drain has, or at all, and no other heir being named;
 * then connections are drained.
 */
#include "worker/room.h"

#include "base/log.h"
#include "base/scarce.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SHED_A_TURN	64
#define SHED_LOOK_MS	5	/* between two looks at who has become idle, or whether there is room */
#define ANOTHER_HEIR_MS	50	/* to be named, when the inbox is closed because its reader leaves too */

static void close_gifts(struct worker *w)
{
	for (unsigned i = 0; i < w->shed.n_gifts; i++)
		close(w->shed.gifts[i]);
	w->shed.n_gifts = 0;
}

/* As if we had never wanted to give them. */
static void take_back(struct worker *w)
{
	for (unsigned i = 0; i < w->shed.n_gifts; i++)
		accept_adopt(w, w->shed.gifts[i]);
	w->shed.n_gifts = 0;
}

/* ETOOMANYREFS: as many descriptors as this user may have are on their way. */
static bool may_be_tried_again(int error)
{
	return error == EAGAIN || error == ETOOMANYREFS || is_scarce(error);
}

/* Return: 0 or -errno; then they are still there. */
static int send_gifts(struct worker *w)
{
	struct shed *shed = &w->shed;
	int r = shed->n_gifts > 0 ? handoff_give(shed->fd, shed->gifts, shed->n_gifts) : 0;

	if (r == 0) {
		close_gifts(w);
		return 0;
	}
	if (!may_be_tried_again(-r) && shed->lost_ms == 0)
		shed->lost_ms = w->engine->now_ms;
	shed->look_ms = w->engine->now_ms + SHED_LOOK_MS;
	return r;
}

/* As many as a message takes are sent together. */
static int give(int fd, void *ctx)
{
	struct worker *w = ctx;
	int r = w->shed.n_gifts == HANDOFF_MOST ? send_gifts(w) : 0;

	if (r == 0)
		w->shed.gifts[w->shed.n_gifts++] = fd;
	return r;
}

static void aim(struct worker *w, int inbox_fd)
{
	shed_end(w);
	w->shed.fd = inbox_fd;
	w->shed.look_ms = w->shed.lost_ms = 0;
	w->conns.give = give;
	w->conns.give_ctx = w;
}

/* Until it is seen that there is no heir. */
static bool is_leaving(const struct worker *w)
{
	return w->conns.leaving && !w->conns.draining;
}

void shed_some(struct worker *w, int inbox_fd, unsigned n)
{
	if (w->drain.on) {
		close(inbox_fd);
		return;
	}
	aim(w, inbox_fd);
	(void)conn_table_shed(&w->conns, n);
}

void shed_name_heir(struct worker *w, int inbox_fd)
{
	if (w->drain.on && !is_leaving(w)) {
		close(inbox_fd);
		return;
	}
	aim(w, inbox_fd);
	w->shed.heir = true;
}

bool shed_all(struct worker *w, uint64_t until_ms)
{
	if (!w->shed.heir)
		return false;
	w->shed.until_ms = until_ms;
	conn_table_leave(&w->conns);
	return true;
}

void shed_hurry(struct worker *w, uint64_t until_ms)
{
	if (until_ms < w->shed.until_ms)
		w->shed.until_ms = until_ms;
}

void shed_end(struct worker *w)
{
	take_back(w);
	if (w->shed.fd >= 0)
		close(w->shed.fd);
	w->shed.fd = -1;
	w->conns.give = NULL;
}

/* There is no heir, or none in time: what is left is drained as if there had never been one. */
static void give_up(struct worker *w, int error)
{
	bool leaving = is_leaving(w);

	if (leaving && w->conns.n_open + w->shed.n_gifts > 0)
		log_debug("worker %u (pid %d): %u connections are not taken over: %s", w->heritage->slot,
			  (int)getpid(), w->conns.n_open + w->shed.n_gifts, strerror(error));
	shed_end(w);
	if (leaving)
		conn_table_drain(&w->conns);
}

static void look_for_idle(struct worker *w)
{
	uint64_t now_ms = w->engine->now_ms;

	if (!is_leaving(w) || now_ms < w->shed.look_ms)
		return;
	w->shed.look_ms = conn_table_shed(&w->conns, SHED_A_TURN) ? now_ms : now_ms + SHED_LOOK_MS;
}

void shed_step(struct worker *w)
{
	int r;

	if (w->shed.fd < 0)
		return;
	r = send_gifts(w);
	if (w->conns.leaving && w->engine->now_ms >= w->shed.until_ms)
		give_up(w, ETIMEDOUT);
	else if (w->shed.lost_ms && w->engine->now_ms >= w->shed.lost_ms + ANOTHER_HEIR_MS)
		give_up(w, -r);
	else
		look_for_idle(w);
}

unsigned shed_cut(struct worker *w)
{
	unsigned n = w->shed.n_gifts;

	close_gifts(w);
	return n;
}

uint64_t shed_next_ms(const struct worker *w)
{
	if (w->shed.n_gifts > 0 || is_leaving(w))
		return w->shed.look_ms;
	return ENGINE_NEVER;
}

static bool is_unix_stream(int fd)
{
	int domain = 0, type = 0;
	socklen_t len = sizeof(int);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_UNIX &&
	       getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM;
}

/* What a sibling gives is a connected TCP or UNIX socket that does not block, or it is nothing for us. */
bool shed_is_connection(int fd)
{
	int protocol = 0, listens = 1, flags = fcntl(fd, F_GETFL);
	socklen_t len = sizeof(int);

	return getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) == 0 &&
	       (protocol == IPPROTO_TCP || is_unix_stream(fd)) &&
	       getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && !listens &&
	       flags >= 0 && (flags & O_NONBLOCK);
}
