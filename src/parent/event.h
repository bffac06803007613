/* SPDX-License-Identifier: MIT */
/*
 * event - what is told to those who listen on the control socket, each where it happens (base/control.h has the
 * list)
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct child;
struct crew;
struct obituary;
struct slot;
struct suspect;

/* What is in force: the first event of whoever begins to listen. To be released; NULL = no memory. */
json_t *event_setup(struct crew *crew);
/* The same for all, after a reload. */
void event_setup_all(struct crew *crew);

/* A process has been made: "start", "restart", or why the one before it has to go. */
void event_fork(struct crew *crew, const struct child *child, const char *cause);
/* It could accept. */
void event_online(struct crew *crew, const struct child *child);
/* It was told to. */
void event_listening(struct crew *crew, const struct child *child);
/* It has asked to be replaced. */
void event_suicide(struct crew *crew, const struct child *child);
/* Its channel is closed. */
void event_disconnect(struct crew *crew, const struct child *child);
/* It has ended, or has said that it is dying. @was_told: to leave. */
void event_exit(struct crew *crew, const struct child *child, const struct obituary *o, bool was_told);
/* Its loop does not turn; @silent_ms 0: it does again. */
void event_hung(struct crew *crew, const struct child *child, uint64_t silent_ms, bool aborted);
/* New connections go around it, or do not any more. */
void event_steer(struct crew *crew, const struct slot *slot);
void event_giveup(struct crew *crew, const struct slot *slot, const struct obituary *o);
/* "reload", "scale", "upgrade" or "stop": "begun", "done" or "failed"; an empty @cause is none. */
void event_pool(struct crew *crew, const char *name, const char *state, const char *cause);
/* Requests like that of @s are "refused" from now on, or "answered" again. */
void event_poison(struct crew *crew, const char *state, const struct suspect *s);
