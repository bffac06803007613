/* SPDX-License-Identifier: MIT */
/*
 * poison - what is known of requests that have made workers fault
 *
 * A request is known by its fingerprint, of its method and path and not of its query, so that a retry with
 * another one is the same. The parent writes the list, workers read it.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define POISON_MOST 16

struct poison_list {
	_Atomic uint32_t	n;	/* how many may be in force; 0 = none */
	struct {
		_Atomic uint64_t	fingerprint;	/* 0 = free */
		_Atomic uint64_t	until_ms;
	} rows[POISON_MOST];
};

/* Of a request line, "GET /a?b HTTP/1.1"; never 0. Async-signal-safe. */
uint64_t poison_fingerprint(const char *line, size_t len);
