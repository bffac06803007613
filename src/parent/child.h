/* SPDX-License-Identifier: MIT */
/* child - one worker process as the parent holds it: pid, pidfd, channel, row of the board */
#pragma once

#include "parent/crew.h"
#include "parent/slot.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct box;
struct log_subject;

enum child_phase {
	CHILD_STARTING,
	CHILD_SERVING,
	CHILD_LEAVING,		/* was told to drain */
	CHILD_DYING,		/* killed by us or going by its own account: nothing it says counts */
};

struct child {
	uint32_t	 serial;	/* 0 = this place is free; never used twice */
	pid_t		 pid;
	int		 pid_fd;
	int		 channel_fd;	/* -1 once it is hung up */
	struct box	*box;		/* of its messages; NULL = it is cut off */
	unsigned	 slot;
	uint32_t	 generation;	/* workers its slot had had before */
	enum child_phase phase;
	bool		 ever_ready;
	bool		 hung;		/* and was aborted for it */
	bool		 silent;	/* its loop has not turned for a while: nothing new is for it */
	bool		 drained;	/* it said so */
	bool		 overrun;	/* it went, because what it ran would not end */
	bool		 buried;	/* its death is logged and its slot knows: only to be reaped */
	uint32_t	 n_cut;		/* connections, by its DRAINED */
	uint32_t	 n_messages;
	uint64_t	 born_ms;
	uint64_t	 ready_ms;
	uint64_t	 stopped_ms;	/* by a signal, since then; 0 = it is not */
	uint64_t	 deadline_ms;	/* then it is killed; 0 = none */
	const char	*deadline_why;	/* the reason given then */
	const char	*killed_for;	/* why we killed it; NULL = we did not */
	uint32_t	 reload;	/* the pool's last reload when it was born */
	uint32_t	 shared;	/* mask of the addresses that it knows to be another pool's as well */
	unsigned	 heir;		/* the slot whose inbox its idle connections go to, and one; 0 = none */
	uint32_t	 reopened;	/* the last opening of the logs that it knows of... */
	uint32_t	 reopening;	/* ...and that it has been told of */
	uint64_t	 wish_ms;	/* when it asked to be replaced; 0 = it did not */
	char		 wish[64];	/* the reason given */
	char		 failure[256];	/* of its FAILED; empty = none */
};

/* The first of the living from @at on; NULL = there is none. */
static inline struct child *child_from(const struct crew *crew, struct child *at)
{
	while (at < crew->children + crew->n_children_max && at->serial == 0)
		at++;
	return at < crew->children + crew->n_children_max ? at : NULL;
}

/* Visits the living; the one visited may be destroyed. */
#define child_each(crew, it) \
	for (struct child *it = child_from(crew, (crew)->children); it; it = child_from(crew, it + 1))

/* Forks a worker for @slot. Return: 0, -EAGAIN (no room on the board), or another -errno. */
int child_create(struct crew *crew, struct slot *slot, struct child **ret_child);
/* The process must have been reaped. */
void child_destroy(struct crew *crew, struct child *child);
/* NULL when it is gone. */
struct child *child_find(const struct crew *crew, unsigned row, uint32_t serial);
const struct board_row *child_row(const struct crew *crew, const struct child *child);
/* Connections that ended with it: what its DRAINED says, or what it had open when it died. */
uint64_t child_n_cut(const struct crew *crew, const struct child *child);
/* Whether it is a worker that is there, ready, not silent, and was not told to leave. */
bool child_serves(const struct child *child);
unsigned child_n_free(const struct crew *crew);
void child_hang_up(struct crew *crew, struct child *child);
/* @why: lives for ever; the log gives it as the reason for the kill. */
void child_kill(struct crew *crew, struct child *child, const char *why);
/* Has it report what it is at, and die; kills it if it does not. */
void child_abort(struct crew *crew, struct child *child, const char *why);
/* Kills it if it still lives in @ms; only ever earlier than what was set before. */
void child_limit(struct crew *crew, struct child *child, uint64_t ms, const char *why);
/* It is on its way out: nothing it says counts any more. */
void child_expect_death(struct crew *crew, struct child *child, uint64_t ms, const char *why);
/* For log_about(). @cause: borrowed, or NULL. */
struct log_subject child_subject(const struct child *child, const char *cause);
/* Makes the slot forget @child. Return: what it was to the slot. */
enum role child_detach(struct crew *crew, struct child *child);
void child_drain(struct crew *crew, struct child *child, uint32_t timeout_ms, bool last);
/* It is to be replaced when it is its turn; @reason is for the log. The first wish counts. */
void child_wish(struct crew *crew, struct child *child, const char *reason);
