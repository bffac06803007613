/* SPDX-License-Identifier: MIT */
/*
 * takeover - the new parent's side of an upgrade: serve beside the old one, be told that it leaves
 *
 * Of it there is what takeover_ask.c was told. The slots begin with the listeners of the old one's. An address that
 * nobody asks for stays with the old one, which drains it as its last holder. Once there are workers we never wait
 * for an answer.
 *
 * Fails by: an old one that dies meanwhile has left us all it has given.
 */
#include "parent/takeover.h"

#include "base/log.h"
#include "parent/control.h"
#include "parent/crew.h"
#include "parent/custody.h"
#include "parent/inplace.h"
#include "parent/intake.h"
#include "parent/loop.h"
#include "parent/parent.h"
#include "parent/rollout.h"
#include "parent/scale.h"
#include "parent/stop.h"
#include "parent/store.h"
#include "parent/tally.h"
#include "parent/testament.h"
#include "parent/transfer.h"
#include "parent/upgrade.h"
#include "parent/wake.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

int takeover_control(struct crew *crew)
{
	struct takeover *t = crew->takeover;
	int fd = t ? t->control_fd : -1;

	if (t)
		t->control_fd = -1;
	return fd;
}

/* The listeners of a slot, NULL = it has left; those of addresses we do not serve are closed. */
static int inherit_listeners(struct crew *crew, struct slot *slot, const struct testament_message *m)
{
	const struct takeover *t = crew->takeover;
	unsigned next = 0;
	int r = 0;

	for (unsigned i = 0; i < LISTENERS_MAX; i++) {
		int fd = m->slot.listeners >> i & 1 ? m->fds[next++] : -1;
		int taken = fd >= 0 && t->index[i] >= 0 && r == 0;

		if (taken && slot)
			r = custody_inherit(crew, slot, (uint32_t)t->index[i], fd, m->slot.places[i]);
		else if (taken)
			r = custody_inherit_datagram(crew, m->slot.slot, (uint32_t)t->index[i], fd);
		if (fd >= 0 && (!taken || r < 0))
			close(fd);
	}
	return r;
}

/* Return: 1; 0 = there is no more; or -errno. */
static int inherit_stored(struct crew *crew, struct slot *slot, unsigned index)
{
	const struct testament_hold hold = { .slot = slot->index, .index = index };
	struct testament_message m;
	int r = takeover_ask(crew->takeover, TESTAMENT_HOLD, &hold, -1, TESTAMENT_HELD, &m);

	if (r < 0)
		return r;
	if (m.held.slot != hold.slot || m.held.index != index) {
		takeover_discard(&m);
		return -EPROTO;
	}
	if (m.n_fds > 0 && !store_add(slot, m.held.name, m.fds[0]))
		takeover_discard(&m);
	return m.n_fds > 0;
}

static int inherit_store(struct crew *crew, struct slot *slot)
{
	int r = crew->config->guest && crew->takeover->pool.version >= 3;

	for (unsigned i = 0; r > 0 && i < STORED_MOST; i++)
		r = inherit_stored(crew, slot, i);
	return r < 0 ? r : 0;
}

static int inherit_slot(struct crew *crew, struct slot *slot)
{
	const struct testament_take take = { .slot = slot->index };
	struct testament_message m;
	int r = crew->config->guest ? 0 : transfer_open(slot);

	if (r < 0)
		return r;
	r = takeover_ask(crew->takeover, TESTAMENT_TAKE, &take, slot->give_fd, TESTAMENT_SLOT, &m);
	if (r < 0)
		return r;
	if (m.slot.slot != slot->index) {
		takeover_discard(&m);
		return -EPROTO;
	}
	slot->n_born = m.slot.n_born;
	r = inherit_listeners(crew, slot, &m);
	return r < 0 ? r : inherit_store(crew, slot);
}

/* Return: 1; 0 = there is none; or -errno. */
static int inherit_spare(struct crew *crew, unsigned slot)
{
	const struct testament_take spare = { .slot = slot };
	struct testament_message m;
	int r = takeover_ask(crew->takeover, TESTAMENT_SPARE, &spare, -1, TESTAMENT_SPARES, &m);

	if (r < 0)
		return r;
	if (m.slot.slot != slot) {
		takeover_discard(&m);
		return -EPROTO;
	}
	r = inherit_listeners(crew, NULL, &m);
	return r < 0 ? r : m.slot.listeners != 0;
}

static int inherit_spares(struct crew *crew)
{
	const struct testament_pool *pool = &crew->takeover->pool;
	unsigned slot = pool->n_slots;
	int r = pool->version >= 3;

	while (r > 0 && slot < WORKERS_MAX)
		r = inherit_spare(crew, slot++);
	return r < 0 ? r : 0;
}

/* As many as it was told, but where that is nothing new, as many as the old one had been scaled to. */
static unsigned n_workers(const struct crew *crew)
{
	const struct testament_pool *pool = &crew->takeover->pool;
	unsigned n_told = crew->config->options.workers;

	return pool->n_told == n_told ? pool->n_slots : n_told;
}

/* At first one for each of the old one's, so that every queue has a reader. */
static int make_slots(struct crew *crew)
{
	unsigned n = crew->takeover->pool.n_slots;

	crew->n_wanted = n_workers(crew) > n ? n_workers(crew) : n;
	crew_resize(crew, crew->n_wanted);
	return intake_resize(crew);
}

void takeover_scale(struct crew *crew)
{
	if (crew->takeover)
		(void)scale_to(crew, n_workers(crew));	/* refused only to a pool that stops */
}

static uint32_t our_addresses(const struct takeover *t)
{
	uint32_t mask = 0;

	for (unsigned i = 0; i < LISTENERS_MAX; i++)
		mask |= t->index[i] >= 0 ? 1u << t->index[i] : 0;
	return mask;
}

static uint32_t their_addresses(const struct takeover *t)
{
	uint32_t mask = 0;

	for (unsigned i = 0; i < LISTENERS_MAX; i++)
		mask |= t->index[i] >= 0 ? 1u << i : 0;
	return mask;
}

int takeover_begin(struct crew *crew)
{
	struct takeover *t = crew->takeover;
	unsigned n = 0;
	int r = 0;

	if (!t)
		return 0;
	takeover_close_sockets(t);	/* those nobody has asked for: the old one is to be their last holder */
	r = make_slots(crew);
	for (; n < t->pool.n_slots && r == 0; n += r == 0)
		r = inherit_slot(crew, &crew->slots[n]);
	if (r == 0)
		r = inherit_spares(crew);
	crew->steer_blind = r == -EPIPE;	/* one that has died leaves what it has given until now */
	if (r == 0 && !custody_has_whole_groups(crew))
		r = -EPROTO;
	if (r < 0 && !crew->steer_blind)
		return r;
	intake_share(crew, our_addresses(t), n);
	if (t->back)
		inplace_resume(crew, t->old_pid, t->fd);
	return loop_watch(crew, t->fd, EPOLLIN, tag_make(SOURCE_TAKEOVER, 0, 0));
}

/* ---- the end ---- */

bool takeover_under_way(const struct crew *crew)
{
	return crew->takeover && crew->takeover->fd >= 0;
}

pid_t takeover_from(const struct crew *crew)
{
	return crew->takeover ? crew->takeover->old_pid : 0;
}

static void finish(struct crew *crew, const char *how, bool comes_back)
{
	struct takeover *t = crew->takeover;
	int fd = t->fd;

	loop_unwatch(crew, fd);
	t->fd = -1;
	inplace_end(crew);
	if (comes_back)
		upgrade_await(crew, t->old_pid, fd);
	else
		close(fd);
	intake_share(crew, 0, 0);
	wake_beside(crew);
	intake_release(crew);
	for (unsigned i = 0; i < crew->config->n_listeners; i++)
		if (crew->claim_fd[i] >= 0)
			claim_adopt(crew->claim_fd[i]);
	if (control_is_lent(crew))
		control_own(crew);
	tally_come(crew);
	crew->steer_due = true;		/* what the old one had attached is still there */
	log_info("taken over from pid %d%s", (int)t->old_pid, how);
	if (crew->was_ready && !crew->stopping)
		rollout_announce(crew);
}

void takeover_ready(struct crew *crew)
{
	const struct takeover *t = crew->takeover;
	const struct testament_ready ready = { .addresses = their_addresses(t), .control = control_is_lent(crew) };

	if (testament_send(t->fd, TESTAMENT_READY, &ready, NULL, 0) < 0)
		finish(crew, ", which has died", false);
}

void on_takeover(struct crew *crew)
{
	struct testament_message m;
	int r = takeover_under_way(crew) ? testament_receive(crew->takeover->fd, FROM_OLD, &m) : 0;

	if (r == 0)
		return;
	if (r > 0 && m.type == TESTAMENT_GO && m.pid == crew->takeover->old_pid && crew->was_ready) {
		finish(crew, "", m.go.comes_back);
	} else if (r == -EPIPE) {
		finish(crew, ", which has died", false);
	} else {
		log_error("cannot take over: pid %d sent what it may not", (int)crew->takeover->old_pid);
		stop_begin(crew, BROOD_EXIT_NOT_STARTED, 0);
		if (r > 0)
			takeover_discard(&m);
	}
}
