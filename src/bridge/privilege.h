/* SPDX-License-Identifier: MIT */
/* privilege - what a worker gives up, and what it takes, before it serves */
#pragma once

#include "bridge/config.h"

#include <stddef.h>

/* Becomes the configured user, for good. Return: 0, or -errno and what failed in @why. */
int privilege_drop(const struct config *config, char *why, size_t size);
/* Raises RLIMIT_NOFILE to its hard limit. Return: the limit now. */
unsigned privilege_raise_nofile(void);
