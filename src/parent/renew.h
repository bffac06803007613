/* SPDX-License-Identifier: MIT */
/* renew - a reload begins with new options, if there are any to be had */
#pragma once

struct crew;

/* A reload begins: the options are read again. Return: 0, or -errno (one log line) and nothing has changed. */
int renew_begin(struct crew *crew);
/* Every worker got ready with the config in force. */
void renew_keep(struct crew *crew);
/* One did not: the config before is in force again. */
void renew_undo(struct crew *crew);
void renew_finish(struct crew *crew);
