/* SPDX-License-Identifier: MIT */
/* loop - the parent's one loop: wait, hear signals, messages and deaths, expire deadlines, settle */
#pragma once

#include <stdint.h>

struct crew;

/* What a descriptor in the epoll set is; the 64 bits of its event are spelled here only. */
enum source {
	SOURCE_SIGNAL, SOURCE_TIMER, SOURCE_ARRIVAL, SOURCE_CHANNEL, SOURCE_PID, SOURCE_ACCEPTOR, SOURCE_CONTROL,
	SOURCE_UPGRADE, SOURCE_UPGRADE_PID, SOURCE_TAKEOVER, SOURCE_QUESTION,
	SOURCE_POST, SOURCE_HERALD, SOURCE_HERALD_MAIL,
};

static inline uint64_t tag_make(enum source source, uint32_t serial, unsigned row)
{
	return (uint64_t)source << 56 | (uint64_t)serial << 16 | row;
}

static inline enum source tag_source(uint64_t tag)
{
	return (enum source)(tag >> 56);
}

static inline uint32_t tag_serial(uint64_t tag)
{
	return (uint32_t)(tag >> 16);
}

static inline unsigned tag_row(uint64_t tag)
{
	return tag & 0xffff;
}

/* What happens to @fd, of @events as epoll_ctl(2) has them, is told with @tag from now on. Return: 0 or -errno. */
int loop_watch(const struct crew *crew, int fd, uint32_t events, uint64_t tag);
/* The same for one that is watched. */
int loop_rewatch(const struct crew *crew, int fd, uint32_t events, uint64_t tag);
/* Not any more, although it stays open, here or with others. */
void loop_unwatch(const struct crew *crew, int fd);

int loop_init(struct crew *crew);
void loop_finish(struct crew *crew);
/* Starts the workers; returns when the crew has stopped and every child is reaped. */
void loop_run(struct crew *crew);
