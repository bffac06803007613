/* SPDX-License-Identifier: MIT */
/*
 * trace - everything that happens, in order: hashed always, printed when a seed is replayed
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

void trace_begin(bool printed);
uint64_t trace_hash(void);

/* One event, with up to three numbers. @what: lives for ever; its bytes are hashed, not where it lies. */
void trace(const char *what, uint64_t a, uint64_t b, uint64_t c);
