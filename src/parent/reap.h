/* SPDX-License-Identifier: MIT */
/* reap - a child has ended: hear its last words, take its status, tell its slot */
#pragma once

struct child;
struct crash_msg;
struct crew;

/* Before the first worker is born. */
void reap_begin(struct crew *crew);
void on_death(struct crew *crew, struct child *child);
/* The child said it is dying: its slot need not wait for the process to end. */
void on_dying(struct crew *crew, struct child *child, const struct crash_msg *crash);
/* The child said that a handler faulted, and that it goes on until it is replaced. */
void on_contained(struct crew *crew, const struct child *child, const struct crash_msg *fault);
/* A SIGCHLD came: as process 1 or a subreaper, reaps what was left to us by others; without pidfds, our own. */
void reap_signalled(struct crew *crew);
