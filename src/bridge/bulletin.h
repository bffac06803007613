/* SPDX-License-Identifier: MIT */
/*
 * bulletin - what the parent tells all workers of the pool, so that whichever of them is asked can answer
 *
 * The parent writes, workers read; it lies behind the rows of the board. Numbers are written as often as they
 * change; the text of the status only for a worker that has asked for it (bulletin_ask), because it costs.
 *
 * Each has a version that is odd while it is being written. A reader that has seen it change has read nonsense and
 * reads again, a few times; then it comes back later, because the parent may have been stopped meanwhile.
 */
#pragma once

#include "bridge/board.h"

#include <stdbool.h>
#include <stddef.h>

#define BULLETIN_TEXT_MOST (1024 * 1024)	/* of 512 workers it has 250 KiB */
#define BULLETIN_SLOTS_MOST 512

enum bulletin_state { POOL_STARTING, POOL_READY, POOL_PRE_DRAINING, POOL_DRAINING };

/* What ended a worker that was not to end. */
#define BULLETIN_DEATHS(X)							\
	X(fault,	"a fault of its own: SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP") \
	X(signal,	"a signal that somebody sent")				\
	X(exit,		"it exited")						\
	X(hang,		"its loop did not turn, and it was aborted")		\
	X(killed,	"the parent killed it, for what it did or did not do")	\
	X(start,	"it did not get ready")

#define BULLETIN_NUMBERS(X)							\
	X(state,	"enum bulletin_state")					\
	X(born_ms,	"when the pool was, on the monotonic clock")		\
	X(n_slots,	"places for workers, those that leave among them")	\
	X(n_rows,	"of the board that may be in use")			\
	X(wanted,	"workers there are to be")				\
	X(engine,	"enum brood_engine")					\
	X(balance,	"enum brood_balance in force; AUTO = the model decides")	\
	X(restarts,	"after deaths")						\
	X(giveups,	"slots given up")					\
	X(tasks,	"task processes that are ready")			\
	X(tasks_queued,	"tasks that wait for one")				\
	X(task_restarts, "after deaths")					\
	X(task_giveups,	"places for task processes given up")			\
	X(messages_relayed, "passed on, to each of many")			\
	X(messages_refused, "given back to their senders, or lost with them")	\
	X(message_bytes, "of the packets passed on")				\
	X(reloads,	"asked for")						\
	X(reloads_failed, "that were stopped")

enum bulletin_death {
#define DEATH(name, meaning) DEATH_##name,
	BULLETIN_DEATHS(DEATH)
#undef DEATH
	BULLETIN_N_DEATHS
};

/* Who has a row of the board. */
struct post {
	_Atomic uint64_t	pid;		/* 0 = nobody */
	_Atomic uint64_t	slot;
	_Atomic uint64_t	generation;
	_Atomic uint64_t	born_ms;
	_Atomic uint64_t	incumbent;	/* 1 = it is the one that serves its slot */
};

struct bulletin {
	_Atomic uint32_t	version;
	_Atomic uint32_t	asked;		/* 1 = a worker wants the text, and has said so */
	_Atomic uint32_t	text_version;
	_Atomic uint32_t	text_bytes;
	_Atomic uint64_t	text_ms;	/* when it was written; 0 = never */
#define NUMBER(name, meaning) _Atomic uint64_t name;
	BULLETIN_NUMBERS(NUMBER)
#undef NUMBER
	_Atomic uint64_t	deaths[BULLETIN_N_DEATHS];
	_Atomic uint64_t	slot_state[BULLETIN_SLOTS_MOST];	/* its name, 8 letters at most */
	_Atomic uint64_t	slot_restarts[BULLETIN_SLOTS_MOST];
	struct board_row	departed;	/* all that those have counted whose rows others have now */
	struct post		posts[];	/* a row each */
};

/* ---- the parent ---- */

static inline void bulletin_begin(_Atomic uint32_t *version)
{
	atomic_fetch_add_explicit(version, 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
}

static inline void bulletin_end(_Atomic uint32_t *version)
{
	atomic_fetch_add_explicit(version, 1, memory_order_release);
}

/* Makes @text the status as of @now_ms; one that is too long is left out. */
void bulletin_write_text(struct board *board, const char *text, size_t n, uint64_t now_ms);
/* Adds @row to @sum. */
void bulletin_add(struct board_row *sum, const struct board_row *row);

void bulletin_clear_gauges(struct board_row *row);

/* ---- workers ---- */

struct bulletin_post {
	unsigned	row, slot;
	int		pid;
	uint64_t	generation, born_ms;
	bool		incumbent;
};

/* All of it at one moment. */
struct bulletin_copy {
#define NUMBER(name, meaning) uint64_t name;
	BULLETIN_NUMBERS(NUMBER)
#undef NUMBER
	uint64_t		deaths[BULLETIN_N_DEATHS];
	char			slot_state[BULLETIN_SLOTS_MOST][sizeof(uint64_t) + 1];
	uint64_t		slot_restarts[BULLETIN_SLOTS_MOST];
	struct board_row	sum;		/* of all workers there are and have been, by itself */
	unsigned		n_posts;
	struct bulletin_post	posts[];	/* those that somebody has, by row */
};

/*
 * @whole: only what is of one moment; else what there is, if need be.
 * Return: to be freed; NULL = it is being written, or there is no memory.
 */
struct bulletin_copy *bulletin_read(const struct board *board, bool whole);
/* When the text was written; 0 = never. */
uint64_t bulletin_text_ms(const struct board *board);
/* To be freed; NULL = there is none yet, it is being written, or there is no memory. */
char *bulletin_read_text(const struct board *board, size_t *ret_bytes);
/* The parent is to write the text anew: by @ask_fd, unless it has been told already. */
void bulletin_ask(struct board *board, int ask_fd);
