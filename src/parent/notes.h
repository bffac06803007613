/* SPDX-License-Identifier: MIT */
/*
 * notes - what happens to workers, written down for the functions of brood_on(); nothing where a program has named
 * none
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct child;
struct crew;
struct obituary;
struct slot;

/* Return: 0 or -ENOMEM. */
int notes_create(struct crew *crew);
void notes_destroy(struct crew *crew);
/* There is room in the helper's box again: what has waited goes, in its turn. */
void notes_send(struct crew *crew);
/* Whether none waits. */
bool notes_are_sent(const struct crew *crew);
/* A note will not be told. */
void notes_missed(struct crew *crew);
/* To a new helper process: which workers there are. */
void notes_introduce(struct crew *crew);

/* ---- what happens; see event.h ---- */
void notes_setup(struct crew *crew);
void notes_fork(struct crew *crew, const struct child *child, const char *cause);
void notes_online(struct crew *crew, const struct child *child);
void notes_listening(struct crew *crew, const struct child *child);
void notes_suicide(struct crew *crew, const struct child *child);
void notes_disconnect(struct crew *crew, const struct child *child);
void notes_exit(struct crew *crew, const struct child *child, const struct obituary *o, bool was_told);
void notes_hung(struct crew *crew, const struct child *child, uint64_t silent_ms);
void notes_giveup(struct crew *crew, const struct slot *slot, const char *cause);
