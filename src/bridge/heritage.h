/* SPDX-License-Identifier: MIT */
/* heritage - everything a worker is born with; what is not listed here is closed */
#pragma once

#include "bridge/config.h"

#include <stdint.h>

struct board;
struct stored;

struct heritage {
	unsigned		 slot;		/* 0..workers-1, stable across restarts */
	uint32_t		 generation;	/* workers this slot has had before */
	pid_t			 parent_pid;
	int			 channel_fd;	/* our end; the parent holds the other */
	int			 mail_fd;	/* our end of what carries messages of programs; -1 = none */
	uint32_t		 id;		/* never used twice */
	int			 listen_fd[LISTENERS_MAX];	/* from custody, or shared by all;
								 * -1 = open your own */
	uint32_t		 shared;	/* mask of the addresses whose sockets are another pool's as well */
	int			 queue_fd;	/* round-robin: what the parent hands out; else -1 */
	int			 inbox_fd;	/* what siblings give away */
	bool			 is_task;	/* it serves no connections, but runs what workers ask for */
	int			 ticket_fd;	/* of the queue of tasks: an end to give, of a task process the one
						 * to take; -1 = none */
	int			 ask_fd;	/* eventfd: asks the parent to write the status; -1 = there is
						 * no admin address */
	int			 access_fd;	/* the access log; standard output is one that may be; -1 = none */
	int			 state_fd;	/* eventfd: something in the shared state has changed;
						 * 0 = there is none */
	int			 wake_fd;	/* eventfd: tells a parent that does not watch of an arrival;
						 * -1 = none */
	uint32_t		 engine;	/* enum brood_engine; EPOLL once the pool settled on it */
	struct board		*board;		/* MAP_SHARED; we write our row only */
	unsigned		 row;		/* ours */
	_Atomic uint64_t	*settled;	/* connections we are done with, shared with the kernel;
						 * NULL = not wanted */
	const struct config	*config;
	unsigned		 n_stored;	/* by the programs before us in this slot */
	const struct stored	*stored;
};
