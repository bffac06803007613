/* SPDX-License-Identifier: MIT */
/* parent - the process that keeps the workers: what brood.c uses of it */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct address;
struct config;

/* reserve.c */

/*
 * Takes *address for the pool: refuses one on which anybody listens, then binds a socket. Port 0 becomes the
 * kernel's choice in *address.
 * @own_listeners: the socket never listens and lets those of the workers in (SO_REUSEPORT); else it is the one
 * that will listen.
 * @ret_fd: the caller's, to be kept open while the pool lives.
 * @ret_holder: on -EADDRINUSE who listens there, "nginx (pid 812)"; terminated.
 * Return: 0, -EADDRINUSE, -EADDRNOTAVAIL, -EACCES or another -errno.
 */
int reserve_address(struct address *address, bool own_listeners, int *ret_fd, char *ret_holder,
		    size_t holder_bytes);

/* parent.c */

/*
 * Keeps config->options.workers workers until told to stop or until they cannot be kept.
 * @reserved_fd: of each of config->listen; they hold the addresses while no worker does. The caller's, but
 * what had to be closed with the pool is -1 afterwards.
 * Return: an exit code, BROOD_EXIT_*.
 */
int parent_run(const struct config *config, int reserved_fd[]);
