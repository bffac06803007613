/* SPDX-License-Identifier: MIT */
/*
 * readiness - when the program is taken to be ready (--ready)
 *
 * By READY=1 always. `listen`: when it has called listen(2) on one of its sockets. They listen already, so that no
 * client is refused while it starts, but the call sets the length of the queue anew: we give each a length that
 * nobody would ask for, and see it change. A program without sockets of ours is ready when it listens on one of its
 * own.
 */
#include "guest/room.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#define LOOK_MS		5
#define LOOK_OWN_MS	20

/* The longest its queue may get; of one that listens. */
static unsigned backlog_of(int listen_fd)
{
	struct tcp_info info = { .tcpi_sacked = 0 };
	socklen_t len = sizeof(info);

	return getsockopt(listen_fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 ? info.tcpi_sacked : 0;
}

/* One less than what it is, or would be, cut down to. */
static unsigned set_odd_backlog(const struct keeper *k, int listen_fd)
{
	unsigned most;

	(void)listen(listen_fd, (int)k->config->options.backlog);
	most = backlog_of(listen_fd);
	if (most > 1)
		(void)listen(listen_fd, (int)most - 1);
	return backlog_of(listen_fd);
}

void readiness_begin(struct keeper *k)
{
	const struct brood_options *o = &k->config->options;

	k->ready_ms = k->look_ms = NEVER;
	if (o->ready == BROOD_READY_DELAY)
		k->ready_ms = k->now_ms + o->ready_delay_ms;
	if (o->ready != BROOD_READY_LISTEN)
		return;
	for (unsigned i = 0; i < k->config->n_listeners; i++)
		k->backlog[i] = set_odd_backlog(k, k->listen_fd[i]);
	k->look_ms = k->now_ms;
}

static bool listens(const struct keeper *k)
{
	static const uint16_t any_port = 0;

	for (unsigned i = 0; i < k->config->n_listeners; i++)
		if (backlog_of(k->listen_fd[i]) != k->backlog[i])
			return true;
	return k->config->n_listeners == 0 && family_n_sockets(&any_port, 1, 1 << TCP_LISTEN) > 0;
}

void readiness_step(struct keeper *k)
{
	if (k->phase != PHASE_STARTING)
		return;
	if (k->now_ms >= k->ready_ms) {
		keeper_say_ready(k);
	} else if (k->now_ms >= k->look_ms) {
		if (listens(k))
			keeper_say_ready(k);
		k->look_ms = k->now_ms + (k->config->n_listeners > 0 ? LOOK_MS : LOOK_OWN_MS);
	}
}

uint64_t readiness_next_ms(const struct keeper *k)
{
	if (k->phase != PHASE_STARTING)
		return NEVER;
	return k->ready_ms < k->look_ms ? k->ready_ms : k->look_ms;
}
