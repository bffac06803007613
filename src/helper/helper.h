/* SPDX-License-Identifier: MIT */
/*
 * helper.h - the process that runs the functions of brood_on(), and they themselves
 *
 * It exists so that the parent runs nobody's code. What happens, and what workers send to the parent, comes over a
 * mail socket, one thing after the other.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

struct config;
struct helper;

/* helper.c */

/*
 * The life of the process, in the forked child, with everything but @mail_fd closed and signals reset; ends when
 * the parent has said all. Return: the exit code.
 */
int helper_main(const struct config *config, int mail_fd, _Atomic uint64_t *progress);

/* observe.c */

/* @mail_fd stays the caller's. Return: NULL = no memory. */
struct helper *helper_create(const struct config *config, int mail_fd, _Atomic uint64_t *progress);
void helper_destroy(struct helper *helper);

enum helper_state {
	HELPER_MORE,		/* has more to do at once */
	HELPER_IDLE,		/* until something can be read */
	HELPER_FULL,		/* or, besides, written */
	HELPER_OVER,		/* the parent has said all, or is gone */
};

/* Calls the functions for some of what is there. @has_room: something can be written again. */
enum helper_state helper_turn(struct helper *helper, int has_room);
