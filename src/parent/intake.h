/* SPDX-License-Identifier: MIT */
/* intake - how connections reach the workers; the one place where the models differ for the parent */
#pragma once

#include "parent/slot.h"

#include <stdbool.h>
#include <stdint.h>

struct crew;
struct heritage;
struct slot;

/* The epoll set must be there. Return: 0 or -errno. */
int intake_create(struct crew *crew);
/* Return: how many connections were accepted and never reached a worker. */
unsigned intake_destroy(struct crew *crew);
/* Whether each slot has listeners of its own. */
bool intake_has_own(const struct crew *crew);
/* What a worker of @slot is born with to take connections from. Return: 0 or -errno. */
int intake_bequeath(struct crew *crew, struct slot *slot, struct heritage *heritage);
/* A worker of @slot could accept: its sockets listen from now on. Return: 0, -EPROTO (one is missing), or -errno. */
int intake_admit(struct crew *crew, const struct slot *slot);
/* The pool before us leaves: what only one of us may do, is ours. */
void intake_release(struct crew *crew);
/* From now on another pool, before us or after us, has the sockets of @addresses too; of the first @n_slots slots. */
void intake_share(struct crew *crew, uint32_t addresses, unsigned n_slots);
/* Mask of the addresses whose sockets of @slot nobody else holds. */
uint32_t intake_alone(const struct crew *crew, const struct slot *slot);
/* The socket of the address @index that is not a slot's own, to be handed on; borrowed. */
int intake_socket(const struct crew *crew, unsigned index);
/* @slot is in another state than @was; it may have gained or lost its reader. */
void intake_on_slot(struct crew *crew, struct slot *slot, enum slot_state was);
void intake_settle(struct crew *crew);
/* There is another number of slots. Return: 0 or -errno. */
int intake_resize(struct crew *crew);
/* Return: how many connections are still queued for @slot. */
unsigned intake_n_queued(struct crew *crew, const struct slot *slot);
/* The incumbent of @slot has become silent, or goes on: who else takes its connections? */
void intake_on_silence(struct crew *crew, struct slot *slot);
/* While the pool stops: the worker of @slot hangs, or has ended, and takes nothing more from its queue. */
void intake_on_loss(struct crew *crew, unsigned slot);
/* When intake_expire() has work; 0 = never. */
uint64_t intake_next_ms(const struct crew *crew);
void intake_expire(struct crew *crew);
/* Before the workers are told to drain. */
void intake_stop(struct crew *crew);
