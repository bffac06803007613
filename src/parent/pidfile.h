/* SPDX-License-Identifier: MIT */
/* pidfile - the parent's number, in a file */
#pragma once

struct crew;

/* Return: 0 or -errno; nothing without --pid-file. */
int pidfile_draft(struct crew *crew);
void pidfile_publish(struct crew *crew);
/* It is the next pool's from now on. */
void pidfile_leave(struct crew *crew);
void pidfile_remove(struct crew *crew);
