/* SPDX-License-Identifier: MIT */
/* weigh - when to look at what the workers have to do, and whether to act on it */
#pragma once

struct crew;

/* Return: 0 or -errno; nothing under `hash`. The epoll set must be there. */
int weigh_create(struct crew *crew);
/* "hash", "weighted" or "least": what is in force */
const char *weigh_name(const struct crew *crew);
/* A worker has taken a connection while nobody looked. */
void on_arrival(struct crew *crew);
/* There is another number of slots. */
void weigh_resize(struct crew *crew);
/* Looks at the loads, and has changed what has moved. */
void weigh_look(struct crew *crew);
