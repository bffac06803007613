/* SPDX-License-Identifier: MIT */
/* inplace - an upgrade of process 1, which has to stay who it is */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct crew;

/* As process 1: a pool beside us, its parent our child, that serves while we become the new program. */
struct inplace {
	pid_t		other;	/* 0 = there is none, or none any more */
	int		fd;	/* for taking over from it; -1 = there is nothing to become */
	uint64_t	at_ms;	/* not before */
	uint64_t	patience_ms;	/* of a pool that has died: how long its workers may take to leave */
	bool		ending;	/* an end was asked for: that of the other pool, then ours */
};

/* Whether this process has to stay when it is upgraded. */
bool inplace_needed(const struct crew *crew);
/* @other, whom we can take over from on @fd, serves. */
void inplace_begin(struct crew *crew, pid_t other, int fd);
/* The same, for the program we have become: should it fail to start, it is executed again after a moment. */
void inplace_resume(struct crew *crew, pid_t other, int fd);
/* We have taken over. */
void inplace_end(struct crew *crew);
/* Whether the stopped pool must not end yet: there is a program to become, or somebody to wait for. */
bool inplace_holds(const struct crew *crew);
/* Whether there is another pool beside us. */
bool inplace_beside(const struct crew *crew);
/* An end was asked for: it is the other pool's too. Asked for again, it is at once. */
void inplace_stop(struct crew *crew);
/* Return: whether it was the other pool's parent that died. */
bool inplace_note_death(struct crew *crew, const siginfo_t *info);
/* When inplace_expire() has work; 0 = never. */
uint64_t inplace_next_ms(const struct crew *crew);
void inplace_expire(struct crew *crew);
