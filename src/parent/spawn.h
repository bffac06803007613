/* SPDX-License-Identifier: MIT */
/* spawn - a worker process: born, cleaned of everything the parent has, handed to worker_main() */
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct config;
struct heritage;

/* Forks; the child runs worker_main() and never returns. Return: its pid or -errno. */
pid_t spawn_worker(const struct heritage *heritage);
/* Forks; the child runs helper_main(), with @mail_fd alone. Return: its pid or -errno. */
pid_t spawn_helper(const struct config *config, pid_t parent_pid, int mail_fd, _Atomic uint64_t *progress);
