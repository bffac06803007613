/* SPDX-License-Identifier: MIT */
/*
 * testament - what another parent might send during an upgrade, into the real sides of it, without any process
 *
 * The input is a list of packets: the first byte of each says how many descriptors it carries, the second, with
 * the highest bit of the first, how long it is. The old parent hears them as the new one's, and a receiver takes
 * them as the old one's. What must hold: no crash, no descriptor lost or kept, the numbers that are let in within
 * their bounds.
 */
#include "fuzz/parent.h"

#include "base/auto.h"
#include "base/must.h"
#include "parent/claim.h"
#include "parent/testament.h"
#include "parent/upgrade.h"

#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

static struct config config;
static int reserved_fd[LISTENERS_MAX];
static int claim_fd[LISTENERS_MAX];

static void configure(void)
{
	config.options = (struct brood_options){
		.size = sizeof(config.options), .workers = 3, .drain_timeout_ms = 1000, .restart_limit = 3,
		.restart_window_ms = 1000, .backoff_min_ms = 10, .backoff_max_ms = 100, .start_timeout_ms = 1000,
	};
	config.n_listeners = 1;
	must(address_parse("127.0.0.1:0", &config.listen[0]) == 0);
	reserved_fd[0] = address_bind(&config.listen[0], true);
	must(reserved_fd[0] >= 0);
	config.listen[0].len = sizeof(config.listen[0].v6);
	must(getsockname(reserved_fd[0], &config.listen[0].any, &config.listen[0].len) == 0);
}

static void send_packet(int fd, const uint8_t *bytes, size_t n, unsigned n_fds)
{
	int fds[WIRE_FDS_MOST];

	for (unsigned i = 0; i < n_fds; i++)
		fds[i] = reserved_fd[0];
	wire_send(fd, bytes, n, n_fds, fds);
}

static void send_packets(int fd, const uint8_t *data, size_t size)
{
	for (size_t at = 0; at + 2 <= size; ) {
		size_t n = data[at + 1] | (size_t)(data[at] & 0x80) << 1;

		if (n > size - at - 2)
			n = size - at - 2;
		send_packet(fd, data + at + 2, n, data[at] % WIRE_FDS_MOST);
		at += 2 + n;
	}
}

static void hear_as_old(struct crew *crew, const uint8_t *data, size_t size)
{
	int ends[2];

	must(testament_pair(ends) == 0);
	send_packets(ends[1], data, size);
	upgrade_await(crew, getpid(), ends[0]);
	on_upgrade(crew);
	on_upgrade_death(crew);
	if (crew->upgrade.fd >= 0)
		close(crew->upgrade.fd);
	close(ends[1]);
}

static void check(const struct testament_message *m)
{
	must(m->n_fds <= TESTAMENT_FDS_MAX);
	if (m->type == TESTAMENT_POOL)
		must(m->pool.n_addresses <= LISTENERS_MAX && m->pool.control <= 1 && m->pool.n_slots <= WORKERS_MAX &&
		     m->n_fds == m->pool.n_addresses + (unsigned)__builtin_popcount(m->pool.claims) + m->pool.control);
	if (m->type == TESTAMENT_SLOT)
		must(m->slot.listeners <= ALL_LISTENERS && m->slot.slot < WORKERS_MAX &&
		     m->n_fds == (unsigned)__builtin_popcount(m->slot.listeners));
}

static void hear_as_new(const uint8_t *data, size_t size)
{
	struct testament_message m;
	int ends[2], r;

	must(testament_pair(ends) == 0);
	send_packets(ends[1], data, size);
	close(ends[1]);
	while ((r = testament_receive(ends[0], FROM_OLD, &m)) != -EPIPE) {
		if (r < 0)
			continue;
		check(&m);
		for (unsigned i = 0; i < m.n_fds; i++)
			close(m.fds[i]);
	}
	close(ends[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned n_before;
	struct crew *crew;

	if (config.n_listeners == 0)
		configure();
	n_before = n_open_fds();
	must(crew_create(&config, &crew) == 0);
	crew->reserved_fd = reserved_fd;
	crew->claim_fd = claim_fd;
	claim_fd[0] = dup(reserved_fd[0]);	/* stopping closes it */
	crew->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	hear_as_old(crew, data, size);
	hear_as_new(data, size);
	claims_release(claim_fd, 1);
	close(crew->epoll_fd);
	crew_destroy(crew);
	must(n_open_fds() == n_before);
	return 0;
}
