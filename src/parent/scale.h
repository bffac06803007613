/* SPDX-License-Identifier: MIT */
/* scale - more workers, or fewer, losing nothing */
#pragma once

struct crew;
struct slot;

/* From now on there are to be @n workers. Return: NULL, or why not. */
const char *scale_to(struct crew *crew, unsigned n);
/* Fills slots that are wanted and empty, has those leave that are not wanted. */
void scale_settle(struct crew *crew);
/* A worker that the pool was scaled up by cannot be kept: goes back to without it. */
void scale_back(struct crew *crew, const struct slot *slot);
