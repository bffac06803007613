/* SPDX-License-Identifier: MIT */
/* guest.h - the process that keeps a program of somebody else's as a worker */
#pragma once

struct heritage;

/*
 * Runs a keeper from its birth to its exit: opens or inherits the listeners, executes the program with them, and
 * speaks for it on the channel. Called in the forked child as worker_main() is.
 * Return: the exit code: 0 drained, 1 could not start (a FAILED message was sent), else the program's own; a
 * program that was ended by a signal has the keeper end by the same one, in here.
 */
int guest_main(const struct heritage *heritage);
