/* SPDX-License-Identifier: MIT */
/* logs - the files that the log and the access log go to, opened anew when they were moved away (SIGUSR1) */
#pragma once

struct crew;

/*
 * Opens the files of the log and of the access log, if there are to be any. Return: 0, or -errno and the log says
 * why.
 */
int logs_open(struct crew *crew);
void logs_close(struct crew *crew);
/* The files may have been moved away: all of us write to new ones, because @who asked. Return: NULL, or why not. */
const char *logs_reopen(struct crew *crew, const char *who);
/* Tells the workers, and says when all have done it. */
void logs_settle(struct crew *crew);
