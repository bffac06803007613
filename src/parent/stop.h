/* SPDX-License-Identifier: MIT */
/* stop - end the pool without hanging up on anyone */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct child;
struct crew;

enum stopping { NOT_STOPPING, STOPPING, STOPPING_NOW };

/* Begins to stop with @exit_code; timeout 0 = at once. */
void stop_begin(struct crew *crew, int exit_code, uint32_t timeout_ms);
/* It stops already: now at once. */
void stop_hurry(struct crew *crew);
/* @who, a signal or the control socket, wants the pool to end; asked again it changes nothing. */
void stop_ask(struct crew *crew, const char *who);
/* The same, at once. */
void stop_ask_now(struct crew *crew, const char *who);
/* When stop_expire() has work; 0 = never. */
uint64_t stop_next_ms(const struct crew *crew);
/* It was not ready for long enough: the drain begins. */
void stop_expire(struct crew *crew);
/* A child ended, or is as good as ended, while the crew stops. */
void stop_count(struct crew *crew, const struct child *child);
bool stop_done(const struct crew *crew);
/* Says how it went. Return: the exit code. */
int stop_verdict(const struct crew *crew);
