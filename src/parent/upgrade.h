/* SPDX-License-Identifier: MIT */
/* upgrade - the old parent's side: start a new one, give it all there is, leave when it serves */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct crew;
struct testament_message;

/* A new parent of our own program, that is to take over. */
struct upgrade {
	pid_t		pid;		/* 0 = there is none */
	int		pid_fd;
	bool		is_parent;	/* ours, that comes back: this is the interim pool */
	int		fd;		/* where it speaks to us; -1 = it is not heard any more,
					 * and has been killed */
	unsigned	n_messages;
	uint64_t	deadline_ms;	/* to be ready; 0 = none */
};

/* upgrade.c */

/* Starts the new one. Return: NULL, or why not. */
const char *upgrade_begin(struct crew *crew);
bool upgrade_under_way(const struct crew *crew);
/* The new one says something. */
void on_upgrade(struct crew *crew);
/* The new one has ended. */
void on_upgrade_death(struct crew *crew);
/* It took too long. */
void upgrade_expire(struct crew *crew);
/* The pool stops: so does the new one. */
void upgrade_cancel(struct crew *crew);
/* In the interim pool: its parent comes back on @fd, ours from now on, to take over. */
void upgrade_await(struct crew *crew, pid_t pid, int fd);
/* The new one is ended, and nothing has changed; @format: what it did. */
__attribute__((format(printf, 2, 3)))
void upgrade_fail(struct crew *crew, const char *format, ...);

/* upgrade_answer.c */

/* Answers HELLO, STATE or TAKE; what it keeps of @m's descriptors is no longer counted there. */
void upgrade_answer(struct crew *crew, struct testament_message *m);
