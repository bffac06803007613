/* SPDX-License-Identifier: MIT */
/*
 * handler - what the pool answers with, and how every byte of it is known
 *
 * A request has a key of its own; the body of its answer is the pattern from there on. The key comes back in a
 * field, so an answer is known for whose it is, and a byte of another's shows.
 */
#pragma once

#include "brood.h"

#include <stddef.h>
#include <stdint.h>

/* path, method, has a body, meaning */
#define ASKS(X)										\
	X(NOW,    "/now",    "GET",  "answered at once")				\
	X(LATE,   "/late",   "GET",  "after a while")					\
	X(PIECES, "/pieces", "GET",  "in chunks, as there is room")			\
	X(SIZED,  "/sized",  "GET",  "in pieces of an announced length")		\
	X(FILE,   "/file",   "GET",  "from a file")					\
	X(ECHO,   "/echo",   "POST", "with its own body, as it comes")			\
	X(UNREAD, "/unread", "POST", "at once, its body is not read")			\
	X(RETIRE, "/retire", "GET",  "at once, and its worker asks to go")		\
	X(SPIN,   "/spin",   "GET",  "after a while in which the loop does not turn")	\
	X(SHORT,  "/short",  "GET",  "with less than was announced")			\
	X(NEVER,  "/never",  "GET",  "never")						\
	X(CRASH,  "/crash",  "GET",  "with a fault")					\
	X(HANG,   "/hang",   "GET",  "never, and the loop never turns again")

enum ask {
#define ASK(name, path, method, meaning) ASK_##name,
	ASKS(ASK)
#undef ASK
	N_ASKS
};

#define PATTERN_PATH "/pattern"		/* the file that holds it all */
#define PATTERN_STRIDE 1000003		/* between two keys */

static inline char pattern_at(uint64_t at)
{
	return (char)('a' + (at * UINT64_C(0x9e3779b97f4a7c15) >> 40) % 26);
}

static inline void pattern_fill(char *to, uint64_t at, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = pattern_at(at + i);
}

extern const char *const ask_paths[N_ASKS];
extern const char *const ask_methods[N_ASKS];

brood_handler_fn handler;
