/* SPDX-License-Identifier: MIT */
/* upgrade_answer - what the new parent asks for is given to it: the sockets, the shared state, the slots */
#include "parent/upgrade.h"

#include "parent/control.h"
#include "parent/crew.h"
#include "parent/intake.h"
#include "parent/testament.h"

#include <string.h>

/* Return: how many there are. */
static unsigned list_sockets(const struct crew *crew, struct testament_pool *pool, int fds[TESTAMENT_FDS_MAX])
{
	unsigned n = 0;
	int control_fd = control_socket(crew);

	for (unsigned i = 0; i < pool->n_addresses; i++) {
		pool->addresses[i] = testament_address(crew->config, i);
		fds[n++] = intake_socket(crew, i);
	}
	for (unsigned i = 0; i < pool->n_addresses; i++) {
		if (crew->claim_fd[i] < 0)
			continue;
		pool->claims |= 1u << i;
		fds[n++] = crew->claim_fd[i];
	}
	pool->control = control_fd >= 0;
	if (control_fd >= 0)
		fds[n++] = control_fd;
	return n;
}

static void on_hello(struct crew *crew, const struct testament_message *m)
{
	const struct config *config = crew->config;
	struct testament_pool pool = {
		.version = TESTAMENT_VERSION, .model = config->options.model, .n_slots = crew->n_slots,
		.n_told = config->options.workers, .n_addresses = config->n_listeners,
	};
	int fds[TESTAMENT_FDS_MAX];
	unsigned n;
	int r;

	if (m->hello.least > TESTAMENT_VERSION || m->hello.most < TESTAMENT_OLDEST) {
		upgrade_fail(crew, "speaks versions %u to %u of the testament, and the old one %u to %u",
			     m->hello.least, m->hello.most, TESTAMENT_OLDEST, TESTAMENT_VERSION);
		return;
	}
	if (m->hello.most < pool.version)
		pool.version = m->hello.most;
	if (pool.version < 3)
		datagrams_trim(crew);	/* nobody would steer around them */
	crew->steer_due = true;
	n = list_sockets(crew, &pool, fds);
	intake_share(crew, ALL_LISTENERS, 0);	/* before it has them */
	r = testament_send(crew->upgrade.fd, TESTAMENT_POOL, &pool, fds, n);
	if (r < 0)
		upgrade_fail(crew, "cannot be given the sockets: %s", strerror(-r));
}

static void on_state(struct crew *crew)
{
	const struct config *config = crew->config;
	const int fds[] = { config->state_memory_fd, config->state_fd };
	const struct testament_state answer = { .n_fds = config->state_memory_fd > 0 ? 2 : 0 };
	int r = testament_send(crew->upgrade.fd, TESTAMENT_MEMORY, &answer, fds, answer.n_fds);

	if (r < 0)
		upgrade_fail(crew, "cannot be given the shared state: %s", strerror(-r));
}

static void on_take(struct crew *crew, struct testament_message *m)
{
	struct testament_slot answer = { .slot = m->take.slot };
	struct slot *slot = &crew->slots[m->take.slot];
	int fds[LISTENERS_MAX];
	unsigned n = 0;
	int r;

	if (m->take.slot >= crew->n_slots) {
		upgrade_fail(crew, "wants slot %u, which there is not", m->take.slot);
		return;
	}
	if (m->take.slot >= crew->n_shared_slots)
		intake_share(crew, ALL_LISTENERS, m->take.slot + 1);
	if (m->n_fds > 0 && slot->heir_fd < 0) {
		slot->heir_fd = m->fds[0];
		m->n_fds = 0;
	}
	answer.n_born = slot->n_born;
	for (unsigned i = 0; i < crew->config->n_listeners; i++) {
		int udp_fd = datagrams_socket(crew, slot->index, i);

		if (slot->listen_fd[i] < 0 && udp_fd < 0)
			continue;
		answer.listeners |= 1u << i;
		answer.places[i] = (uint16_t)(udp_fd >= 0 ? (int)slot->index
							  : group_place(&crew->groups[i], slot->index));
		fds[n++] = udp_fd >= 0 ? udp_fd : slot->listen_fd[i];
	}
	r = testament_send(crew->upgrade.fd, TESTAMENT_SLOT, &answer, fds, n);
	if (r < 0)
		upgrade_fail(crew, "cannot be given the listeners: %s", strerror(-r));
}

static void on_spare(struct crew *crew, unsigned slot)
{
	struct testament_slot answer = { .slot = slot };
	int fds[LISTENERS_MAX];
	unsigned n = 0;
	int r;

	if (slot < crew->n_slots) {
		upgrade_fail(crew, "wants what slot %u has left, which is there", slot);
		return;
	}
	for (unsigned i = 0; i < crew->config->n_listeners; i++) {
		int fd = datagrams_socket(crew, slot, i);

		if (fd < 0)
			continue;
		answer.listeners |= 1u << i;
		fds[n++] = fd;
	}
	r = testament_send(crew->upgrade.fd, TESTAMENT_SPARES, &answer, fds, n);
	if (r < 0)
		upgrade_fail(crew, "cannot be given the sockets of slots that have left: %s", strerror(-r));
}

static void on_hold(struct crew *crew, const struct testament_hold *hold)
{
	struct testament_held answer = { .slot = hold->slot, .index = hold->index };
	const struct slot *slot = &crew->slots[hold->slot];
	bool is_there;
	int r;

	if (hold->slot >= crew->n_slots) {
		upgrade_fail(crew, "wants what is stored of slot %u, which there is not", hold->slot);
		return;
	}
	is_there = hold->index < slot->n_stored;
	if (is_there)
		memcpy(answer.name, slot->stored[hold->index].name, sizeof(answer.name));
	r = testament_send(crew->upgrade.fd, TESTAMENT_HELD, &answer, &slot->stored[hold->index].fd, is_there);
	if (r < 0)
		upgrade_fail(crew, "cannot be given what is stored: %s", strerror(-r));
}

void upgrade_answer(struct crew *crew, struct testament_message *m)
{
	if (m->type == TESTAMENT_HELLO)
		on_hello(crew, m);
	else if (m->type == TESTAMENT_STATE)
		on_state(crew);
	else if (m->type == TESTAMENT_HOLD)
		on_hold(crew, &m->hold);
	else if (m->type == TESTAMENT_SPARE)
		on_spare(crew, m->take.slot);
	else
		on_take(crew, m);
}
