/* SPDX-License-Identifier: MIT */
/* publish - what workers need to tell others of the pool, on the bulletin (bridge/bulletin.h) */
#pragma once

#include <stdint.h>

struct child;
struct crew;

/* The epoll set must be there. Return: 0 or -errno; nothing without an admin address. */
int publish_create(struct crew *crew);
/* At the end of a turn: the numbers. */
void publish_settle(struct crew *crew);
/* @child is dead, and its row about to be another's. */
void publish_departure(struct crew *crew, const struct child *child);
/* A worker asks for the status. */
void on_question(struct crew *crew);
/* When publish_expire() has work; 0 = never. */
uint64_t publish_next_ms(const struct crew *crew);
void publish_expire(struct crew *crew);
