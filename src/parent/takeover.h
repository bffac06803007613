/* SPDX-License-Identifier: MIT */
/* takeover - the new parent's side of an upgrade: ask the old one, serve beside it, be told that it leaves */
#pragma once

#include "parent/testament.h"

#include <stdbool.h>
#include <sys/types.h>

struct crew;

struct takeover {
	int			fd;		/* -1 = it is over */
	pid_t			old_pid;	/* 0 = not known yet: we are back, and it is our child */
	bool			back;		/* we were process 1 before, and have started the old one */
	struct testament_pool	pool;
	int			socket_fd[LISTENERS_MAX];	/* of the pool's addresses;
								 * -1 = given to brood_listen() */
	int			claim_fd[LISTENERS_MAX];	/* likewise */
	int			control_fd;			/* -1 = there was none, or it is taken */
	int			index[LISTENERS_MAX];		/* of ours, for each of the pool's;
								 * -1 = not taken */
};

/* takeover_ask.c: and what parent.h has */

/*
 * Waits for the answer, for seconds. @fd goes with the question; -1 = none does.
 * Return: 0 and the old one's answer of @type, or -errno.
 */
int takeover_ask(struct takeover *t, enum testament_type question, const void *payload, int fd,
		 enum testament_type type, struct testament_message *ret_answer);
/* Closes what came with @m. */
void takeover_discard(const struct testament_message *m);
/* Closes what nobody has taken. */
void takeover_close_sockets(struct takeover *t);

/* takeover.c */

/* Once there are slots and an epoll set: takes the slots. Return: 0 or -errno. */
int takeover_begin(struct crew *crew);
/* From then until the pool is ours. */
bool takeover_under_way(const struct crew *crew);
/* The parent from which it was taken over; 0 = there was none. */
pid_t takeover_from(const struct crew *crew);
/* The control socket of the old one, from now on the caller's; -1 = none. */
int takeover_control(struct crew *crew);
/* The pool is ours: it gets as many workers as are wanted. */
void takeover_scale(struct crew *crew);
/* Every slot has been ready. */
void takeover_ready(struct crew *crew);
/* The old one says something. */
void on_takeover(struct crew *crew);
