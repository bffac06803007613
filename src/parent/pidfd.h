/* SPDX-License-Identifier: MIT */
/* pidfd - a process that the parent has started: to hear of its end, to signal it, to collect it */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct crew;

/*
 * The loop hears of the end of @pid, which nobody has collected yet, as @tag. *ret_fd: its pidfd, the caller's to close;
 * -1 = there are none here, and it hears by SIGCHLD (reap.c). Return: 0 or -errno.
 */
int pidfd_watch(struct crew *crew, pid_t pid, uint64_t tag, int *ret_fd);

/* Of one with @fd from above, -1 too. */
void pidfd_kill(int fd, pid_t pid, int number);
/* As waitid(2). Return: whether there was what @options ask for. */
bool pidfd_wait(int fd, pid_t pid, siginfo_t *ret_info, int options);
