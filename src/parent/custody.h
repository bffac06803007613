/* SPDX-License-Identifier: MIT */
/* custody - duplicates of the slots' listeners, so that a queue outlives its worker */
#pragma once

#include "parent/slot.h"

#include <stdbool.h>
#include <stdint.h>

struct crew;
struct slot;

/*
 * Listens on @fd. Return: 0 and @fd is owned, -EEXIST, -EPROTO (it cannot listen on that address, or none is
 * expected), or -errno of listen(2).
 */
int custody_take(struct crew *crew, struct slot *slot, uint32_t index, int fd);
/* A listener that served @slot in the pool before us, and its place in the group. Return: as above. */
int custody_inherit(struct crew *crew, struct slot *slot, uint32_t index, int fd, unsigned place);
/* A socket of datagrams of the slot number @slot there, which may have left. Return: as above. */
int custody_inherit_datagram(struct crew *crew, unsigned slot, uint32_t index, int fd);
/* Whether what was inherited makes whole groups. */
bool custody_has_whole_groups(struct crew *crew);
bool custody_complete(const struct crew *crew, const struct slot *slot);
void custody_close(struct slot *slot);
/* From the moment a slot loses its reader, its listeners are orphans. */
void custody_on_slot(struct crew *crew, struct slot *slot, enum slot_state was);
/* Lends what has no reader, takes back what has one again. */
void custody_settle(struct crew *crew);
/* Lends what has no reader, at once. */
void custody_lend_rest(struct crew *crew);
/*
 * Ends the listeners of @slot, which are steered around, at once.
 * @leftovers: something may wait in their queues; the kernel is asked to give it to others.
 */
void custody_end(struct crew *crew, struct slot *slot, bool leftovers);
/* How many connections wait in the queues of @slot. */
unsigned custody_n_queued(const struct slot *slot);
