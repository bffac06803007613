/* SPDX-License-Identifier: MIT */
/* program - what we were started as, to start it anew for an upgrade */
#pragma once

#include <signal.h>
#include <sys/types.h>

struct program;

/* Where a parent finds the socket of the one that has started it, in the environment. */
#define TAKEOVER_VARIABLE "BROOD_UPGRADE_FD"

const char *program_path(const struct program *program);
/* Starts it anew, with @fd, @mask and our environment. Return: its pid or -errno. */
pid_t program_start(const struct program *program, int fd, const sigset_t *mask);
/* Executes it over ourselves, with @fd, -1 = none; signals stay blocked. Return: -errno. */
int program_execute(const struct program *program, int fd);
