/* SPDX-License-Identifier: MIT */
/* reload - every worker replaced by a new one, losing nothing */
#pragma once

#include <stdbool.h>

struct child;
struct crew;
struct obituary;

/* Every worker born so far is to be replaced, one after another, because @who asked. Return: NULL, or why not. */
const char *reload_begin(struct crew *crew, const char *who);
/* How many are still to be replaced. */
unsigned reload_n_left(struct crew *crew);
/* Whether a reload wants @child replaced. */
bool reload_concerns(const struct crew *crew, const struct child *child);
/* A replacement did not get ready: the workers that are left stay. */
void reload_stop(struct crew *crew, const struct obituary *o);
/* Is it done? */
void reload_settle(struct crew *crew);
