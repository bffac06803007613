/* SPDX-License-Identifier: MIT */
/* totals - what all workers have counted together, those that have died too */
#pragma once

#include <jansson.h>

struct crew;
struct child;

/* Return: 0 or -ENOMEM. */
int totals_create(struct crew *crew);
/* Its row of the board is about to be another's. */
void totals_keep(struct crew *crew, const struct child *child);

/* For the status; null where nothing of the kind was done. */
json_t *totals_tell_state(const struct crew *crew);
json_t *totals_tell_messages(const struct crew *crew);
/* What has become of tasks. */
json_t *totals_tell_tasks(const struct crew *crew);
