/* SPDX-License-Identifier: MIT */
/* worker.h - the process that serves */
#pragma once

struct heritage;

/*
 * Runs a worker from its birth to its exit: opens or inherits its listeners, gives the parent duplicates,
 * serves, drains. Called in the forked child with everything but the heritage closed and signals reset:
 * SIGTERM blocked, those that are for the parent ignored, the rest at their default.
 * Return: the exit code: 0 drained, 1 could not start (a FAILED message was sent).
 */
int worker_main(const struct heritage *heritage);
