/* SPDX-License-Identifier: MIT */
/* hang - workers whose loop does not turn any more */
#pragma once

#include <stdint.h>

struct child;
struct crew;

/* Once every worker is ready, and when the timeout may have changed; until the last has gone. */
void hang_watch(struct crew *crew);
/* Looks at every worker's heartbeat, as it was due at look_ms. */
void hang_look(struct crew *crew);
/*
 * For how long the loop of @child has not turned, which was ready once; 0 = it waits. The board can say anything.
 */
uint64_t hang_silent_ms(const struct crew *crew, const struct child *child);
/* A SIGCHLD came: some may have been stopped, or go on. */
void hang_note_stops(struct crew *crew);
