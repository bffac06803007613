/* SPDX-License-Identifier: MIT */
/* tally - under balance `least`: what the program in the kernel believes of the slots is kept true */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct crew;
struct slot;

/*
 * Decides how to balance. Return: 0; or -errno: `least` is wanted and cannot be had, crew->why_not_least says why.
 */
int tally_create(struct crew *crew);
/* Where the child of @row publishes what it is done with; NULL = nobody wants to know. */
_Atomic uint64_t *tally_settled(const struct crew *crew, unsigned row);
/* That listener of @slot has begun to listen. */
void tally_join(struct crew *crew, struct slot *slot, unsigned index);
/*
 * The pool and its listeners are ours, for the first time or again: those are joined, and everybody is counted
 * anew.
 */
void tally_come(struct crew *crew);
/* They are to be another pool's. */
void tally_leave(struct crew *crew);
/* When tally_expire() has work; 0 = never. */
uint64_t tally_next_ms(const struct crew *crew);
void tally_expire(struct crew *crew);
/* The program chooses in that group, which is not empty. Return: whether it does. */
bool tally_attach(struct crew *crew, unsigned index);
/* Tells the program who may be chosen. */
void tally_settle(struct crew *crew);
/* Corrects what it counts, where that is not what is there. */
void tally_correct(struct crew *crew);
