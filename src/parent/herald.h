/* SPDX-License-Identifier: MIT */
/*
 * herald - what happens to workers is told to the functions of brood_on(), by way of a process that runs them
 *
 * Nothing is forked, kept or composed where a program has named none.
 */
#pragma once

#include "message/packet.h"

#include <stdbool.h>
#include <sys/types.h>

struct child;
struct crew;
struct obituary;
struct slot;

/* After the epoll set, before the first worker. Return: 0 or -errno. */
int herald_create(struct crew *crew);
void herald_destroy(struct crew *crew);

/* The pool has stopped: what is left to be told is, for a moment. Return: whether that must be waited for. */
bool herald_lingers(struct crew *crew);

/* The helper process has ended. */
void on_herald_death(struct crew *crew);
bool herald_is(const struct crew *crew, pid_t pid);
/* With callbacks_in_parent: something is there to be told. */
void on_herald_mail(struct crew *crew);
/* Something is in its box, and is to be handled in time. */
void herald_expect(struct crew *crew);
uint64_t herald_next_ms(const struct crew *crew);
void herald_expire(struct crew *crew);
