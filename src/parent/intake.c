/* SPDX-License-Identifier: MIT */
/*
 * intake - how connections reach the workers; the one place where the models differ for the parent
 *
 *   reuseport     each worker opens its own listener; custody keeps a duplicate
 *   preemptive    one socket, inherited by all, who compete for what it has
 *   round-robin   the acceptor accepts and hands out through a queue a slot
 *
 * A UNIX socket has no SO_REUSEPORT: under reuseport it is as under preemptive, beside the others.
 *
 * A queue outlives its worker under each, and a replacement goes on with it.
 */
#include "parent/intake.h"

#include "acceptor/acceptor.h"
#include "base/address.h"
#include "base/log.h"
#include "bridge/channel.h"
#include "bridge/heritage.h"
#include "parent/child.h"
#include "parent/crew.h"
#include "parent/custody.h"
#include "parent/loop.h"
#include "parent/stop.h"
#include "parent/transfer.h"
#include "parent/wake.h"
#include "parent/weigh.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static enum brood_model model_of(const struct crew *crew)
{
	return (enum brood_model)crew->config->options.model;
}

bool intake_has_own(const struct crew *crew)
{
	return model_of(crew) == BROOD_REUSEPORT;
}

/* Those that workers read, which is not so of a reserved one that only keeps the address. */
static void close_sockets(struct crew *crew)
{
	for (unsigned i = 0; i < crew->config->n_listeners; i++) {
		bool serves = config_is_shared(crew->config, i) || config_is_datagram(crew->config, i);

		if (!serves || crew->reserved_fd[i] < 0)
			continue;
		close(crew->reserved_fd[i]);
		crew->reserved_fd[i] = -1;
	}
}

/* Where UNIX sockets are; they listen already. */
static void learn_places(struct crew *crew)
{
	for (unsigned i = 0; i < crew->config->n_listeners; i++) {
		const struct address *address = &crew->config->listen[i];

		crew->places[i].fd = -1;
		if (address_is_unix(address) &&
		    endpoint_adopt(crew->reserved_fd[i], address->un.sun_path, &crew->places[i]) == 0)
			endpoint_own(&crew->places[i]);
	}
}

/* Whoever comes from now on is to find nobody, unless another pool has the socket as well. */
static void remove_places(struct crew *crew)
{
	for (unsigned i = 0; i < crew->config->n_listeners; i++)
		if (crew->places[i].fd >= 0 && !(crew->shared >> i & 1))
			endpoint_remove(&crew->places[i]);
}

static int create_acceptor(struct crew *crew)
{
	const struct acceptor_place place = {
		.epoll_fd = crew->epoll_fd, .tag = tag_make(SOURCE_ACCEPTOR, 0, 0), .now_ms = crew->now_ms,
	};
	int fds[LISTENERS_MAX];
	int r;

	for (unsigned i = 0; i < crew->config->n_listeners; i++) {
		bool datagrams = config_is_datagram(crew->config, i);

		fds[i] = datagrams ? -1 : crew->reserved_fd[i];
		if (!datagrams)
			crew->reserved_fd[i] = -1;	/* the acceptor's */
	}
	r = acceptor_create(crew->config, place, fds, &crew->acceptor);
	if (r == 0 && crew->takeover)
		acceptor_hold(crew->acceptor);	/* what is in our hands dies with us, and we are on trial */
	return r;
}

/* As systemd passes them. Those of a pool before us are as its programs have made them, who still accept. */
static void have_sockets_block(const struct crew *crew)
{
	for (unsigned i = 0; i < crew->config->n_listeners && !crew->takeover; i++)
		(void)fcntl(crew->reserved_fd[i], F_SETFL, 0);
}

int intake_create(struct crew *crew)
{
	learn_places(crew);
	if (model_of(crew) == BROOD_PREEMPTIVE && crew->config->guest)
		have_sockets_block(crew);
	return model_of(crew) == BROOD_ROUND_ROBIN ? create_acceptor(crew) : 0;
}

static void tell_counters(const struct acceptor *a)
{
	const struct acceptor_counters *c = acceptor_counters(a);

	log_debug("acceptor: counters: accepted=%" PRIu64 " given=%" PRIu64 " messages=%" PRIu64 " returned=%"
		  PRIu64 " held_up=%" PRIu64 " paused=%" PRIu64, c->accepted, c->given, c->messages,
		  c->returned, c->held_up, c->paused);
}

unsigned intake_destroy(struct crew *crew)
{
	struct acceptor *a = crew->acceptor;
	unsigned n_untaken = transfer_destroy(crew);

	crew->acceptor = NULL;
	if (a)
		tell_counters(a);
	return n_untaken + acceptor_destroy(a);
}

/* What the workers of @slot hold that another pool holds as well; a mask of addresses. */
static uint32_t shared_of(const struct crew *crew, const struct slot *slot)
{
	switch (model_of(crew)) {
	case BROOD_REUSEPORT:
		return crew->shared & (slot->index < crew->n_shared_slots ? ALL_LISTENERS : config_shared(crew->config));
	case BROOD_PREEMPTIVE:
		return crew->shared | crew->config->lent;
	case BROOD_ROUND_ROBIN:
		return crew->shared & config_shared(crew->config);
	}
	return 0;
}

static int listen_shared(const struct crew *crew)
{
	for (unsigned i = 0; i < crew->config->n_listeners; i++)
		if (config_is_shared(crew->config, i) && !config_is_datagram(crew->config, i) && crew->reserved_fd[i] >= 0 &&
		    listen(crew->reserved_fd[i], config_shared_backlog(crew->config, crew->n_slots)) < 0)
			return -errno;
	return 0;
}

int intake_bequeath(struct crew *crew, struct slot *slot, struct heritage *heritage)
{
	heritage->shared = shared_of(crew, slot);
	switch (model_of(crew)) {
	case BROOD_REUSEPORT:
		memcpy(heritage->listen_fd, slot->listen_fd, sizeof(slot->listen_fd));
		for (unsigned i = 0; i < crew->config->n_listeners; i++)
			if (config_is_shared(crew->config, i))
				heritage->listen_fd[i] = crew->reserved_fd[i];
		return datagrams_bequeath(crew, slot, heritage->listen_fd);
	case BROOD_PREEMPTIVE:
		memcpy(heritage->listen_fd, crew->reserved_fd, crew->config->n_listeners * sizeof(int));
		return crew->config->guest ? listen_shared(crew) : 0;	/* a program is started with what listens */
	case BROOD_ROUND_ROBIN:
		for (unsigned i = 0; i < crew->config->n_listeners; i++)
			if (config_is_shared(crew->config, i))
				heritage->listen_fd[i] = crew->reserved_fd[i];
		heritage->queue_fd = acceptor_queue(crew->acceptor, slot->index);
		return heritage->queue_fd < 0 ? heritage->queue_fd : 0;
	}
	return 0;
}

int intake_admit(struct crew *crew, const struct slot *slot)
{
	crew->steer_due |= !slot->was_ready;	/* what is sent to its UDP sockets has a reader now */
	switch (model_of(crew)) {
	case BROOD_REUSEPORT:
		return custody_complete(crew, slot) ? listen_shared(crew) : -EPROTO;
	case BROOD_PREEMPTIVE:
		return listen_shared(crew);
	case BROOD_ROUND_ROBIN:
		return 0;	/* the acceptor listens when its first queue is read */
	}
	return 0;
}

int intake_socket(const struct crew *crew, unsigned index)
{
	bool accepted = crew->acceptor && !config_is_datagram(crew->config, index);

	return accepted ? acceptor_listeners(crew->acceptor)[index] : crew->reserved_fd[index];
}

void intake_share(struct crew *crew, uint32_t addresses, unsigned n_slots)
{
	crew->shared = addresses;
	crew->n_shared_slots = n_slots;
	child_each(crew, child) {
		struct shared_msg shared = { .addresses = shared_of(crew, &crew->slots[child->slot]) };

		if (child->channel_fd < 0 || child->shared == shared.addresses)
			continue;
		child->shared = shared.addresses;
		(void)channel_send(child->channel_fd, CHANNEL_SHARED, &shared, -1);
	}
	wake_others(crew);
}

uint32_t intake_alone(const struct crew *crew, const struct slot *slot)
{
	return ALL_LISTENERS & ~shared_of(crew, slot);
}

static void stop_unless(struct crew *crew, int r)
{
	if (r == 0)
		return;
	log_error("cannot start: listen: %s", strerror(-r));
	stop_begin(crew, BROOD_EXIT_NOT_STARTED, 0);
}

static void set_reader(struct crew *crew, const struct slot *slot, bool reads)
{
	stop_unless(crew, acceptor_set_reader(crew->acceptor, slot->index, reads, crew->now_ms));
}

void intake_release(struct crew *crew)
{
	if (crew->acceptor)
		stop_unless(crew, acceptor_release(crew->acceptor, crew->now_ms));
}

void intake_on_slot(struct crew *crew, struct slot *slot, enum slot_state was)
{
	custody_on_slot(crew, slot, was);
	if (model_of(crew) == BROOD_ROUND_ROBIN && slot->state != SLOT_DRAINING)	/* who drains reads to the end */
		set_reader(crew, slot, slot_is_served(slot->state) && slot->state != SLOT_LEAVING);
}

int intake_resize(struct crew *crew)
{
	switch (model_of(crew)) {
	case BROOD_REUSEPORT:
		weigh_resize(crew);
		return crew->was_ready ? listen_shared(crew) : 0;
	case BROOD_PREEMPTIVE:
		return crew->was_ready ? listen_shared(crew) : 0;	/* with another backlog */
	case BROOD_ROUND_ROBIN:
		return acceptor_resize(crew->acceptor, crew->n_slots, crew->now_ms);
	}
	return 0;
}

unsigned intake_n_queued(struct crew *crew, const struct slot *slot)
{
	switch (model_of(crew)) {
	case BROOD_REUSEPORT:
		return custody_n_queued(slot) + datagrams_wait(crew, slot);
	case BROOD_PREEMPTIVE:
		return 0;
	case BROOD_ROUND_ROBIN:
		return acceptor_is_empty(crew->acceptor, slot->index, crew->now_ms) ? 0 : 1;
	}
	return 0;
}

void intake_on_silence(struct crew *crew, struct slot *slot)
{
	bool silent = slot->incumbent->silent;

	slot->orphaned_ms = silent ? crew->now_ms : 0;
	if (silent)
		wake_others(crew);
	if (model_of(crew) == BROOD_ROUND_ROBIN)
		set_reader(crew, slot, !silent);
}

/* A listener that is left has another pool's workers at it already; a queue of ours has nobody. */
void intake_on_loss(struct crew *crew, unsigned slot)
{
	int take_fd = crew->acceptor && slot < crew->n_slots ? acceptor_queue(crew->acceptor, slot) : -1;

	if (take_fd >= 0)
		transfer_leave(crew, slot, take_fd);
}

static void kill_breakers(struct crew *crew)
{
	int slot;

	while ((slot = acceptor_next_broken(crew->acceptor)) >= 0)
		if (crew->slots[slot].incumbent)
			child_kill(crew, crew->slots[slot].incumbent, "broke its queue of connections");
}

void intake_settle(struct crew *crew)
{
	if (model_of(crew) == BROOD_ROUND_ROBIN)
		kill_breakers(crew);
	else if (model_of(crew) == BROOD_REUSEPORT && !crew->stopping)
		custody_settle(crew);
	if (!crew->stopping)
		transfer_settle(crew);
}

uint64_t intake_next_ms(const struct crew *crew)
{
	return crew->acceptor ? acceptor_next_ms(crew->acceptor) : 0;
}

void intake_expire(struct crew *crew)
{
	if (crew->acceptor)
		acceptor_expire(crew->acceptor, crew->now_ms);
}

/* What the workers hold of a socket is theirs to drain; a duplicate here would outlive the last of them. */
void intake_stop(struct crew *crew)
{
	transfer_stop(crew);
	remove_places(crew);
	switch (model_of(crew)) {
	case BROOD_REUSEPORT:
		custody_lend_rest(crew);
		datagrams_close(crew);
		close_sockets(crew);
		break;
	case BROOD_PREEMPTIVE:
		close_sockets(crew);
		break;
	case BROOD_ROUND_ROBIN:
		close_sockets(crew);
		if (crew->acceptor)
			acceptor_stop(crew->acceptor, crew->shared | crew->config->lent, crew->now_ms);
		break;
	}
}
