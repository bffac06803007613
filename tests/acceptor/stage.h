/* SPDX-License-Identifier: MIT */
/*
 * stage.h - an acceptor between clients of ours and queues that we read
 *
 * The test is the parent's loop: stage_turn() waits and hands out events, like parent/loop.c.
 */
#pragma once

#include "parent/unit.h"

#include "acceptor/acceptor.h"
#include "base/address.h"
#include "base/clock.h"
#include "bridge/config.h"
#include "bridge/handoff.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define STAGE_TAG (7ull << 56)

struct stage {
	struct config	 config;
	struct acceptor	*acceptor;
	int		 epoll_fd;
	int		 n_fds;
	char		 next_name;	/* clients say who they are: 'A', 'B', ... */
};

static inline int stage_n_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static inline void stage_begin(struct stage *stage, unsigned n_workers)
{
	struct acceptor_place place = { .tag = STAGE_TAG, .now_ms = clock_ms() };
	struct address *address = &stage->config.listen[0];
	int listen_fd;

	*stage = (struct stage){ .n_fds = stage_n_fds(), .next_name = 'A' };
	stage->config.options.workers = n_workers;
	stage->config.options.backlog = 1024;
	stage->config.n_listeners = 1;
	assert_int_equal(address_parse("127.0.0.1:0", address), 0);
	listen_fd = address_bind(address, false);
	assert_true(listen_fd >= 0);
	assert_int_equal(getsockname(listen_fd, &address->any, &address->len), 0);
	place.epoll_fd = stage->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	assert_int_equal(acceptor_create(&stage->config, place, &listen_fd, &stage->acceptor), 0);
}

/* Return: how many connections never reached a reader. */
static inline unsigned stage_end(struct stage *stage)
{
	unsigned n = acceptor_destroy(stage->acceptor);

	close(stage->epoll_fd);
	assert_int_equal(stage_n_fds(), stage->n_fds);
	return n;
}

/* All that happens until nothing has happened for @ms. */
static inline void stage_turn(struct stage *stage, int ms)
{
	struct epoll_event events[16];
	int n;

	while ((n = epoll_wait(stage->epoll_fd, events, 16, ms)) > 0)
		for (int i = 0; i < n; i++)
			on_acceptor(stage->acceptor, (unsigned)(events[i].data.u64 - STAGE_TAG), clock_ms());
	acceptor_expire(stage->acceptor, clock_ms());
}

static inline void stage_read(struct stage *stage, unsigned slot, bool reads)
{
	assert_int_equal(acceptor_set_reader(stage->acceptor, slot, reads, clock_ms()), 0);
}

/* A client that has sent its name. Return: its socket, or -1 when it is refused. */
static inline int stage_connect(struct stage *stage)
{
	const struct address *address = &stage->config.listen[0];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, &address->any, address->len) < 0) {
		close(fd);
		return -1;
	}
	assert_int_equal(send(fd, &stage->next_name, 1, 0), 1);
	stage->next_name++;
	return fd;
}

/* Takes what is in the queue of @slot, closes it. Return: the names of the clients, in order; static. */
static inline const char *stage_take(struct stage *stage, unsigned slot)
{
	static char names[4096];
	int queue_fd = acceptor_queue(stage->acceptor, slot);
	int fds[HANDOFF_MOST];
	unsigned n_lost;
	size_t len = 0;
	int n;

	while ((n = handoff_take(queue_fd, fds, &n_lost)) > 0) {
		assert_int_equal(n_lost, 0);
		for (int i = 0; i < n; i++) {
			assert_true(fcntl(fds[i], F_GETFL) & O_NONBLOCK);
			assert_int_equal(recv(fds[i], names + len++, 1, 0), 1);
			close(fds[i]);
		}
	}
	assert_int_equal(n, -EAGAIN);
	names[len] = '\0';
	return names;
}
