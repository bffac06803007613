/* SPDX-License-Identifier: MIT */
/* takeover - the new parent's side of an upgrade: ask the old one, serve beside it, be told that it leaves */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct crew;

/* Once there are slots and an epoll set: takes the slots. Return: 0 or -errno. */
int takeover_begin(struct crew *crew);
/* From then until the pool is ours. */
bool takeover_under_way(const struct crew *crew);
/* The parent from which it was taken over; 0 = there was none. */
pid_t takeover_from(const struct crew *crew);
/* The control socket of the old one, from now on the caller's; -1 = none. */
int takeover_control(struct crew *crew);
/* The pool is ours: it gets as many workers as are wanted. */
void takeover_scale(struct crew *crew);
/* Every slot has been ready. */
void takeover_ready(struct crew *crew);
/* The old one says something. */
void on_takeover(struct crew *crew);
