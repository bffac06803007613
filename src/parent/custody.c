/* SPDX-License-Identifier: MIT */
/*
 * custody - duplicates of the slots' listeners, so that a queue outlives its worker
 *
 * The parent never accepts. A listener whose slot has no worker for long is lent to a sibling, who accepts
 * from it as well, until the slot's next worker is ready. Two readers for a moment do no harm.
 *
 * Fails by: nobody serving who could borrow; then the clients wait in the queue.
 */
#include "parent/custody.h"

#include "base/address.h"
#include "base/log.h"
#include "base/migration.h"
#include "bridge/channel.h"
#include "parent/child.h"
#include "parent/crew.h"
#include "parent/steer.h"
#include "parent/tally.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Listeners without a reader for longer than this are lent to a sibling. */
#define ORPHAN_AFTER_MS 50

static bool get_flag(int fd, int option, int *ret_value)
{
	socklen_t len = sizeof(*ret_value);

	return getsockopt(fd, SOL_SOCKET, option, ret_value, &len) == 0;
}

static bool is_tcp_socket(int fd, bool listening)
{
	int listens, protocol;

	return get_flag(fd, SO_ACCEPTCONN, &listens) && !listens == !listening &&
	       get_flag(fd, SO_PROTOCOL, &protocol) && protocol == IPPROTO_TCP;
}

static bool is_udp_socket(int fd)
{
	int protocol;

	return get_flag(fd, SO_PROTOCOL, &protocol) && protocol == IPPROTO_UDP;
}

static bool same_address(const struct address *a, const struct address *b)
{
	if (a->any.sa_family != b->any.sa_family)
		return false;
	if (a->any.sa_family == AF_INET)
		return a->v4.sin_port == b->v4.sin_port && a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
	return a->any.sa_family == AF_INET6 && a->v6.sin6_port == b->v6.sin6_port &&
	       memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof(a->v6.sin6_addr)) == 0;
}

static bool is_bound_to(int fd, const struct address *address)
{
	struct address bound = { .len = sizeof(bound.v6) };

	return getsockname(fd, &bound.any, &bound.len) == 0 && same_address(&bound, address);
}

int custody_take(struct crew *crew, struct slot *slot, uint32_t index, int fd)
{
	const struct config *config = crew->config;

	if (config->options.model != BROOD_REUSEPORT || index >= config->n_listeners || config_is_shared(config, index))
		return -EPROTO;
	if (slot->listen_fd[index] >= 0)
		return -EEXIST;
	if (!is_tcp_socket(fd, false) ||	/* one that listens already may be a sibling's */
	    !is_bound_to(fd, &config->listen[index]))
		return -EPROTO;
	if (listen(fd, (int)config->options.backlog) < 0)
		return errno == EINVAL ? -EPROTO : -errno;	/* EINVAL: it is connected */
	slot->listen_fd[index] = fd;
	group_add(&crew->groups[index], slot->index);
	crew->steer_due = true;
	tally_join(crew, slot, index);
	return 0;
}

int custody_inherit_datagram(struct crew *crew, unsigned slot, uint32_t index, int fd)
{
	return config_has_datagram_group(crew->config, index) && is_udp_socket(fd) &&
	       is_bound_to(fd, &crew->config->listen[index]) ? datagrams_inherit(crew, slot, index, fd) : -EPROTO;
}

int custody_inherit(struct crew *crew, struct slot *slot, uint32_t index, int fd, unsigned place)
{
	if (config_has_datagram_group(crew->config, index))
		return custody_inherit_datagram(crew, slot->index, index, fd);
	if (crew->config->options.model != BROOD_REUSEPORT || !is_tcp_socket(fd, true) ||
	    !is_bound_to(fd, &crew->config->listen[index]))
		return -EPROTO;
	slot->listen_fd[index] = fd;
	group_put(&crew->groups[index], place, slot->index);
	return 0;
}

/* With n members, and each found among the first n, no place is named twice or left out. */
bool custody_has_whole_groups(struct crew *crew)
{
	slot_each(crew, slot)
		for (unsigned i = 0; i < crew->config->n_listeners; i++)
			if (slot->listen_fd[i] >= 0 && group_place(&crew->groups[i], slot->index) < 0)
				return false;
	return true;
}

bool custody_complete(const struct crew *crew, const struct slot *slot)
{
	for (unsigned i = 0; i < crew->config->n_listeners; i++)
		if (slot->listen_fd[i] < 0 && !config_is_shared(crew->config, i) &&
		    !config_is_datagram(crew->config, i))
			return false;
	return true;
}

void custody_close(struct slot *slot)
{
	for (unsigned i = 0; i < LISTENERS_MAX; i++) {
		if (slot->listen_fd[i] >= 0)
			close(slot->listen_fd[i]);
		slot->listen_fd[i] = -1;
	}
}

static int socket_of(const struct crew *crew, const struct slot *slot, unsigned index)
{
	return slot->listen_fd[index] >= 0 ? slot->listen_fd[index] : datagrams_socket(crew, slot->index, index);
}

static void take_back(const struct crew *crew, struct slot *slot)
{
	struct lend_msg lend = { .slot = slot->index };

	for (lend.index = 0; lend.index < LISTENERS_MAX; lend.index++)
		if (socket_of(crew, slot, lend.index) >= 0)
			(void)channel_send(slot->borrower->channel_fd, CHANNEL_RETURN, &lend, -1);
	log_debug("slot %u: its listeners are back from worker %u", slot->index, slot->borrower->slot);
	slot->borrower = NULL;
}

/* shutdown(2) takes it out of the group at once, whoever has duplicates. */
static void end_listener(struct crew *crew, struct slot *slot, unsigned index)
{
	(void)shutdown(slot->listen_fd[index], SHUT_RDWR);
	close(slot->listen_fd[index]);
	slot->listen_fd[index] = -1;
	group_remove(&crew->groups[index], slot->index);
	crew->steer_due = true;
}

static void have_all_look(struct crew *crew)
{
	child_each(crew, child)
		if (child_serves(child))
			(void)channel_send(child->channel_fd, CHANNEL_LOOK, NULL, -1);
}

void custody_end(struct crew *crew, struct slot *slot, bool leftovers)
{
	int migration = leftovers ? migration_begin() : -1;

	if (slot->borrower && child_serves(slot->borrower))
		take_back(crew, slot);
	slot->borrower = NULL;
	for (unsigned i = 0; i < LISTENERS_MAX; i++)
		if (slot->listen_fd[i] >= 0)
			end_listener(crew, slot, i);
	migration_end(migration);
	steer_settle(crew);
	if (leftovers)
		have_all_look(crew);
}

unsigned custody_n_queued(const struct slot *slot)
{
	unsigned n = 0;

	for (unsigned i = 0; i < LISTENERS_MAX; i++) {
		struct tcp_info info = { .tcpi_unacked = 0 };
		socklen_t len = sizeof(info);

		if (slot->listen_fd[i] >= 0 && getsockopt(slot->listen_fd[i], IPPROTO_TCP, TCP_INFO, &info, &len) == 0)
			n += info.tcpi_unacked;		/* of one that listens: how many wait to be accepted */
	}
	return n;
}

/* A long wait ahead is reason to lend at once. */
void custody_on_slot(struct crew *crew, struct slot *slot, enum slot_state was)
{
	bool long_wait = slot->state == SLOT_GIVEN_UP || slot->state == SLOT_CLOSING ||
			 (slot->state == SLOT_BACKOFF && slot->delay_ms > ORPHAN_AFTER_MS);

	if (long_wait)
		slot->orphaned_ms = crew->now_ms;
	else if (slot_is_served(was) && !slot_is_served(slot->state))
		slot->orphaned_ms = crew->now_ms + ORPHAN_AFTER_MS;
}

/* Return: how many listeners were lent, or -errno of a channel that took none or not all. */
static int send_listeners(const struct crew *crew, const struct slot *slot, const struct child *sibling)
{
	struct lend_msg lend = { .slot = slot->index };
	int n = 0;

	for (lend.index = 0; lend.index < LISTENERS_MAX; lend.index++) {
		int fd = socket_of(crew, slot, lend.index);
		int r = fd < 0 ? 0 : channel_send(sibling->channel_fd, CHANNEL_LEND, &lend, fd);

		if (r < 0)
			return r;
		n += fd >= 0;
	}
	return n;
}

/* Return: whether somebody has them, or there is nothing to have. */
static bool lend_to(struct crew *crew, struct slot *slot, bool leaving)
{
	for (unsigned i = 1; i < crew->n_slots; i++) {
		struct slot *sibling = &crew->slots[(slot->index + i) % crew->n_slots];
		int r;

		if (!child_serves(sibling->incumbent) || (sibling->state == SLOT_LEAVING) != leaving)
			continue;
		r = send_listeners(crew, slot, sibling->incumbent);
		if (r < 0)
			continue;
		if (r > 0) {
			slot->borrower = sibling->incumbent;
			log_debug("slot %u: its listeners are lent to worker %u", slot->index,
				  sibling->index);
		}
		return true;
	}
	return false;
}

/* Who leaves is better than nobody. */
static void lend(struct crew *crew, struct slot *slot)
{
	if (!lend_to(crew, slot, false))
		(void)lend_to(crew, slot, true);
}

/* No program can take what is another's; who waits where no program will ever be is to know it. */
static void forsake(struct crew *crew, struct slot *slot)
{
	if (slot->state == SLOT_GIVEN_UP && custody_complete(crew, slot))
		custody_end(crew, slot, true);
}

void custody_settle(struct crew *crew)
{
	steer_settle(crew);
	slot_each(crew, slot) {
		bool orphaned = slot->orphaned_ms && slot->orphaned_ms <= crew->now_ms;

		if (slot->borrower && !child_serves(slot->borrower))
			slot->borrower = NULL;
		if (crew->config->guest)
			forsake(crew, slot);
		else if (orphaned && !slot->borrower)
			lend(crew, slot);
		else if (slot->orphaned_ms == 0 && slot->borrower)
			take_back(crew, slot);
	}
}

void custody_lend_rest(struct crew *crew)
{
	slot_each(crew, slot) {
		if (!child_serves(slot->incumbent))
			slot->orphaned_ms = crew->now_ms;
	}
	custody_settle(crew);
}
