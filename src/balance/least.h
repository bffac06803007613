/* SPDX-License-Identifier: MIT */
/*
 * least - a new connection goes to the slot that has the fewest: an eBPF program and its tables
 *
 * The program (least.bpf.c) counts what it gives to each slot, a worker publishes what it is done with; the
 * difference is what the slot has. The parent says which slots may be chosen, which process serves each, and
 * corrects the count: by what was never completed, and when another process goes on with a slot.
 *
 * Loading it takes CAP_BPF and, because the kernel runs a program of ours that does it, CAP_PERFMON; and Linux
 * 5.17. Afterwards nothing does.
 */
#pragma once

#include "balance/least_table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct least;

/* Return: 0; or -errno and why not in @why: -ENOSYS = it is not built in. */
int least_create(struct least **ret_least, char *why, size_t size);
/* Programs that are attached stay. NULL is fine. */
void least_destroy(struct least *least);

/* Where the process of that row of the board publishes; inherited over a fork. */
_Atomic uint64_t *least_settled(struct least *least, unsigned row);

/*
 * The listener of @slot at address @index. It must listen; it is forgotten when it is closed.
 * Return: 0, -EBUSY (it is another program's, or joined before), or another -errno.
 */
int least_join(struct least *least, unsigned index, unsigned slot, int listen_fd);
/* The program cannot choose that one any more, and another pool's may have it. Nothing if it is not there. */
void least_leave(struct least *least, unsigned index, unsigned slot);
/* The program chooses in that group from now on. Return: 0 or -errno. */
int least_attach(struct least *least, unsigned index, int listen_fd);

void least_resize(struct least *least, unsigned n_slots);
/* From now on the process of @row serves @slot, and @n_has connections are there. */
void least_assign(struct least *least, unsigned slot, unsigned row, uint64_t n_has);
/* Whether @slot may be chosen. With none that may the kernel's hash decides. */
void least_open(struct least *least, unsigned slot, bool open);
/* How many connections the program believes @slot has. */
int64_t least_load(const struct least *least, unsigned slot);
/* It has so many more than that. */
void least_correct(struct least *least, unsigned slot, int64_t by);
