/* SPDX-License-Identifier: MIT */
/*
 * task.h - what takes long is run by a process of its own
 *
 * A worker puts a ticket into the queue of the pool (bridge/ticket.h), with one end of a socket pair; whichever
 * task process is free takes it, and answers over the pair (bridge/parcel.h). The end of either side is the end of
 * the pair, and seen by the other: nobody else has to know or to clean up. The parent only keeps the processes.
 *
 *   client.c    in a worker: brood_task()
 *   process.c   a task process: task_main()
 *   run.c       there: one task, and what may end it
 *   crash.c     there: the last words
 *   names.c     in both: which tasks there are
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct board_row;
struct config;
struct heritage;
struct reactor;
struct task_definition;
struct ticket;

/* ---- client.c ---- */

/* From now on brood_task() works, if the pool has task processes. Return: 0, or -errno and why in one line. */
int tasks_open(const struct heritage *heritage, struct reactor *reactor, char *why, size_t size);
/* Whether one is under way that no request waits for. */
bool tasks_pending(void);

/* ---- process.c ---- */

/* The life of a task process. Return: its exit code. */
int task_main(const struct heritage *heritage);

/* ---- run.c ---- */

int run_init(const struct heritage *heritage, struct board_row *row);
/* Takes @fd. Runs what @ticket asks for, and sends what comes of it. */
void run_ticket(const struct ticket *ticket, int fd);
/* What runs; NULL = nothing does. Async-signal-safe. */
const char *run_name(void);

/* ---- crash.c ---- */

/* Has a fault reported on the channel before the core is written. */
void task_crash_report_on(const struct heritage *heritage);

/* ---- names.c ---- */

/*
 * Finds those of @config: of the program, or of its shared object. @start: calls what that has to be called first.
 * Return: 0, or -errno and why in one line.
 */
int names_load(const struct config *config, bool start, char *why, size_t size);
/* NULL = there is none of that name. */
const struct task_definition *names_find(const char *name);
