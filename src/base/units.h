/* SPDX-License-Identifier: MIT */
/*
 * units - numbers as people write them: 250ms, 8M, 5/10s, 100ms..10s
 *
 * Digits without sign, fraction or space. A time needs its unit (ms, s, m, h, d), a size may have one
 * (k, M, G: powers of 1024). Return: 0, -EINVAL (not in this form), -ERANGE (does not fit 64 bits).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

int units_parse_number(const char *text, uint64_t *ret_number);
int units_parse_duration(const char *text, uint64_t *ret_ms);
int units_parse_size(const char *text, uint64_t *ret_bytes);
int units_parse_limit(const char *text, uint64_t *ret_number, uint64_t *ret_window_ms);
int units_parse_range(const char *text, uint64_t *ret_from_ms, uint64_t *ret_to_ms);

#define UNITS_TEXT_BYTES 24

/* In the largest unit that needs no fraction: "9s", "8M"; terminated. */
void units_format_duration(uint64_t ms, char out[UNITS_TEXT_BYTES]);
void units_format_size(uint64_t bytes, char out[UNITS_TEXT_BYTES]);
