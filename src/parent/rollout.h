/* SPDX-License-Identifier: MIT */
/* rollout - who follows whom: greet the new, replace the dead, replace those who ask for it */
#pragma once

#include "parent/slot.h"

#include <stdint.h>

struct crew;
struct obituary;
struct slot;

/* A slot lost its incumbent or its successor: restart, wait, or give up, and one line that says which. */
void rollout_lose(struct crew *crew, enum role role, const struct obituary *o);
/* From when on the wish of the incumbent of @slot may be granted; 0 = it has none. */
uint64_t rollout_wish_ms(const struct crew *crew, const struct slot *slot);
/* Grants the wish that has waited longest, as far as other replacements under way allow. */
void rollout_grant(struct crew *crew);
/* The incumbent of @slot is ready. */
void rollout_greet(struct crew *crew, struct slot *slot);
/* Every slot has been ready, and the pool is ours: says so, and writes the pid file. */
void rollout_announce(struct crew *crew);
