/* SPDX-License-Identifier: MIT */
/* wake - who is woken for a connection to a shared socket may not come: then another is sent to look */
#pragma once

#include <stdint.h>

struct crew;

/* One who waits for a shared socket has died or hangs, or another pool has it, or had: others look, for a while. */
void wake_others(struct crew *crew);
/* The pool that was there before us has been taken over, and drains. */
void wake_beside(struct crew *crew);
/* When wake_expire() has work; 0 = never. */
uint64_t wake_next_ms(const struct crew *crew);
void wake_expire(struct crew *crew);
