/* SPDX-License-Identifier: MIT */
/*
 * wake - who is woken for a connection to a shared socket may not come: then another is sent to look
 *
 * An arrival wakes one of those who wait, and nobody else for that connection. One who dies or hangs takes such a
 * wake-up with it: the kernel takes a dead process's ring apart only when it gets to it, and until then wakes it
 * like any other; one who hangs, or is stopped, stays in line. Without another's look the connection waits until
 * the next arrival: on a quiet service, for ever. 4 of 291 after a kill waited over 4 s on a busy machine.
 *
 * Of a death the looks are few, at growing distances. They go on while somebody is silent or takes long to die, or
 * another pool has the sockets as well and may have somebody who is.
 */
#include "parent/wake.h"

#include "bridge/channel.h"
#include "parent/child.h"
#include "parent/crew.h"
#include "parent/takeover.h"

#include <signal.h>

/* After a death, then four times as long each time: 1.7 s in all. */
#define AGAIN_MS	UINT64_C(20)
#define LOOKS		4
#define GOING_ON_MS	100

/* In turn, because one that has all the connections it may have looks in vain. */
static void have_one_look(struct crew *crew)
{
	for (unsigned i = 0; i < crew->n_children_max; i++) {
		const struct child *child = &crew->children[crew->looked++ % crew->n_children_max];

		if (child->serial != 0 && child_serves(child) &&
		    channel_send(child->channel_fd, CHANNEL_LOOK, NULL, -1) == 0)
			return;
	}
}

/* We do not know its workers, of whom one may hang and have a socket of ours until it is killed. */
static bool is_old_pool_there(const struct crew *crew)
{
	return crew->now_ms < crew->old_until_ms && kill(takeover_from(crew), 0) == 0;
}

static bool goes_on(struct crew *crew)
{
	child_each(crew, child)
		if (child->silent || child->buried)	/* a core is written, and its ring still there */
			return true;
	return (crew->shared & config_shared(crew->config)) != 0 || is_old_pool_there(crew);
}

/* While the pool stops everybody looks until the queues are empty. */
static uint64_t next_ms(struct crew *crew)
{
	uint64_t after_ms = crew->n_looks < LOOKS ? AGAIN_MS << 2 * crew->n_looks : UINT64_MAX;

	if (crew->stopping)
		return 0;
	if (after_ms > GOING_ON_MS && goes_on(crew))
		after_ms = GOING_ON_MS;
	return after_ms == UINT64_MAX ? 0 : crew->now_ms + after_ms;
}

static void look(struct crew *crew)
{
	have_one_look(crew);
	crew->wake_ms = next_ms(crew);
	crew->n_looks += crew->n_looks < LOOKS;
}

void wake_others(struct crew *crew)
{
	if (config_shared(crew->config) == 0)
		return;
	crew->n_looks = 0;
	look(crew);
}

void wake_beside(struct crew *crew)
{
	crew->old_until_ms = crew->now_ms + crew->config->options.drain_timeout_ms;
	wake_others(crew);
}

uint64_t wake_next_ms(const struct crew *crew)
{
	return crew->wake_ms;
}

void wake_expire(struct crew *crew)
{
	look(crew);
}
