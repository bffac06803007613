/* SPDX-License-Identifier: MIT */
/*
 * cover - what the seeds have been to
 *
 * Counted over all seeds in memory that the jobs share: every rule of the slot table, every event of every
 * state of a connection, every message in every phase of a worker, every kind of fault, every client's habit.
 */
#pragma once

#include "world/chance.h"

#include "bridge/channel.h"
#include "conn/conn.h"
#include "parent/child.h"
#include "parent/crew.h"

#define N_CONN_STATES (CONN_CLOSING + 1)
#define N_HABITS_MOST 16

enum conn_event { CONN_RECEIVED, CONN_ENDED, CONN_FAILED, CONN_SENT, CONN_UNSENT, CONN_TIMED_OUT, N_CONN_EVENTS };

#define JOBS 2

struct cover {
	uint64_t	seeds[JOBS];	/* that each is at */
	uint64_t	faults[N_FAULTS];
	uint64_t	rules[SLOT_N_STATES][SLOT_N_EVENTS];
	uint64_t	conn[N_CONN_STATES][N_CONN_EVENTS];
	uint64_t	messages[CHANNEL_N_TYPES][CHILD_DYING + 1];
	uint64_t	habits[N_HABITS_MOST];
	uint64_t	worlds, steps, simulated_ms, twice;
	uint64_t	connections, answers, births, deaths;
	uint64_t	exit_codes[8];
};

extern struct cover *cover;

/* Memory shared with processes forked later. */
void cover_init(void);
void cover_fault(enum fault fault);
static inline void cover_count(uint64_t *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}
/* Prints it all. Return: how many that can happen never did. */
unsigned cover_report(void);
