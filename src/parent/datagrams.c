/* SPDX-License-Identifier: MIT */
/*
 * datagrams - the UDP sockets of the slots, under reuseport
 *
 * A UDP socket is in the group of its address from its bind(2) to its last close(2), and shutdown(2) takes it out
 * of nothing; what is in its queue when it is closed is lost. So the parent makes one for each slot, in the order
 * of the slots, and closes none as long as the pool lives: the socket of slot k is the kth of the group, a
 * replacement goes on with it, and that of a slot that has left is steered around, until there is such a slot
 * again. Nothing is sent to a socket that nobody reads. Flows move to other workers only when one is steered around
 * or comes back, but then any of them may.
 *
 * Fails by: a program on the group that is refused, or a stranger in it; then the sockets of slots that have left
 * are closed, and what arrives between its worker's last look and that is lost.
 * So may be what comes while one is closed under traffic: the kernel's look-up may find it just before it leaves the
 * group, and give it the datagram (83 in 2.6 million closes). So an upgrade hands over those of slots that have left,
 * too, but to a program that does not know to ask for them.
 */
#include "parent/datagrams.h"

#include "parent/crew.h"

#include "balance/attach.h"
#include "balance/program.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

/* The reserved one was bound as the only one, so that the address is ours; now the others may come. */
static int admit_others(int fd)
{
	const int on = 1;

	return setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0 ? -errno : 0;
}

/* The next of the group. Return: 0 or -errno. */
static int extend(struct crew *crew, unsigned index)
{
	struct datagram_group *g = &crew->datagrams[index];
	int fd = crew->reserved_fd[index];
	int r = 0;

	if (g->n == 0)
		r = admit_others(fd);
	else
		fd = address_bind_datagram(&crew->config->listen[index], true);
	if (r < 0 || fd < 0)
		return r < 0 ? r : fd;
	g->fd[g->n++] = fd;
	crew->steer_due = true;
	return 0;
}

int datagrams_bequeath(struct crew *crew, const struct slot *slot, int listen_fd[LISTENERS_MAX])
{
	for (unsigned i = 0; i < crew->config->n_listeners; i++) {
		int r = 0;

		if (!config_has_datagram_group(crew->config, i))
			continue;
		while (crew->datagrams[i].n <= slot->index && r == 0)
			r = extend(crew, i);
		if (r < 0)
			return r;
		listen_fd[i] = crew->datagrams[i].fd[slot->index];
	}
	return 0;
}

/* That of the first slot is the reserved one, which we have. */
int datagrams_inherit(struct crew *crew, unsigned slot, unsigned index, int fd)
{
	struct datagram_group *g = &crew->datagrams[index];

	if (slot != g->n)
		return -EPROTO;
	if (g->n == 0) {
		close(fd);
		return extend(crew, index);
	}
	g->fd[g->n++] = fd;
	return 0;
}

int datagrams_socket(const struct crew *crew, unsigned slot, unsigned index)
{
	const struct datagram_group *g = &crew->datagrams[index];

	return slot < g->n ? g->fd[slot] : -1;
}

bool datagrams_wait(const struct crew *crew, const struct slot *slot)
{
	for (unsigned i = 0; i < crew->config->n_listeners; i++) {
		struct pollfd look = { .fd = datagrams_socket(crew, slot->index, i), .events = POLLIN };

		if (look.fd >= 0 && poll(&look, 1, 0) > 0)
			return true;
	}
	return false;
}

/* ---- who gets them ---- */

static bool is_read(const struct crew *crew, unsigned index)
{
	return index < crew->n_slots && crew->slots[index].was_ready && !crew->slots[index].around;
}

/* All alike, because a flow is to stay with its worker. Return: how many get any. */
static unsigned weigh(const struct crew *crew, unsigned n, uint32_t ret_weights[GROUP_MOST])
{
	unsigned n_open = 0;

	for (unsigned i = 0; i < n; i++) {
		ret_weights[i] = is_read(crew, i);
		n_open += ret_weights[i];
	}
	return n_open;
}

/* In an upgrade the new pool's are in the group before anybody reads them. */
int datagrams_steer(struct crew *crew, unsigned index)
{
	const struct datagram_group *g = &crew->datagrams[index];
	struct sock_filter code[PROGRAM_MOST];
	uint32_t weights[GROUP_MOST];
	unsigned n_open = weigh(crew, g->n, weights);

	if (g->n < 2)	/* it is no group, for the kernel */
		return 0;
	if (n_open == 0 || crew->stranger_told || crew->steer_blind || (n_open == g->n && !upgrade_under_way(crew)))
		return attach_nothing(g->fd[0]);
	return attach_program(g->fd[0], code, program_write(weights, g->n, code));
}

/* ---- the end ---- */

static void keep(struct crew *crew, unsigned n)
{
	for (unsigned i = 0; i < LISTENERS_MAX; i++) {
		struct datagram_group *g = &crew->datagrams[i];

		for (; g->n > n; g->n--)
			if (g->n > 1)	/* the first is not ours alone */
				close(g->fd[g->n - 1]);
	}
}

void datagrams_trim(struct crew *crew)
{
	keep(crew, crew->n_slots);
}

void datagrams_close(struct crew *crew)
{
	keep(crew, 0);
}
