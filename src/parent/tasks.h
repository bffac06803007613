/* SPDX-License-Identifier: MIT */
/* tasks - the processes that run what workers ask for, and the queue they take it from */
#pragma once

struct crew;
struct heritage;
struct slot;

/* Makes the queue, if there are to be task processes. Return: 0 or -errno. */
int tasks_create(struct crew *crew);
void tasks_destroy(struct crew *crew);
/* What one of @slot is born with of it, or a worker. */
void tasks_bequeath(const struct crew *crew, const struct slot *slot, struct heritage *heritage);
/* Starts those that are not there; tells workers whether there will be any; ends them behind the last worker. */
void tasks_settle(struct crew *crew);
/* The pool ends at once: so do they. */
void tasks_hurry(struct crew *crew);
/* One has gone, and may have been the one that was woken for what waits. */
void tasks_look(struct crew *crew);
/* Aborts those that run for longer than what they run may take. */
void tasks_watch(struct crew *crew);
unsigned tasks_n_queued(const struct crew *crew);
