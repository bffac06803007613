/* SPDX-License-Identifier: MIT */
/*
 * resolve - from what a program asks for to what the pool is: defaults put in, everything checked
 *
 * What is wrong is said in one log line. The strings of a config are its own.
 */
#pragma once

#include "brood.h"
#include "bridge/config.h"

/*
 * Addresses, and a function that answers, come later. The options of the log are in force at once.
 * Return: 0, -EINVAL, -EPERM, -ENOMEM.
 */
int resolve_options(const struct brood_options *options, struct config *ret_config);

/*
 * For a reload: what may change while a pool runs is as @options say, the rest as it is @now, with a warning.
 * @ret_config: the caller's; resolve_release() and free().
 * Return: 0, -EINVAL, -ENOMEM.
 */
int resolve_again(const struct config *now, const struct brood_options *options, struct config **ret_config);

/* Frees its strings. */
void resolve_release(struct config *config);

/* Whether a program can be run with @options. Return: 0 or -EINVAL. */
int resolve_check_guest(const struct brood_options *options);

/* Of root, text and handler, how many are set. */
int resolve_n_answers(const struct brood_options *options);
