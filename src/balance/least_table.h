/* SPDX-License-Identifier: MIT */
/* least_table - what the parent, the workers and the program in the kernel share under balance `least` */
#pragma once

#include <linux/types.h>

#define LEAST_LISTENERS	8
#define LEAST_EACH_LISTENER(X)	X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
#define LEAST_SLOTS	512
#define LEAST_ROWS	2308	/* processes: as many as the board has */
#define LEAST_NOBODY	0x7fffffffffffffff

/* A slot has given - base - settled connections: queued, or with its worker. */
struct least_slot {
	__u32	open;		/* 1 = may be chosen */
	__u32	row;		/* of the process that serves it */
	__u64	given;		/* times it was chosen; of the program */
	__u64	base;		/* what of that is not with this process, or never came; of the parent */
};

struct least_table {
	__u32			n_slots;
	__u32			turn;	/* where to begin to look; of the program */
	struct least_slot	slots[LEAST_SLOTS];
};

/* One a process, which alone writes it. */
struct least_row {
	__u64	settled;	/* connections ended, less those it took from others' listeners */
} __attribute__((aligned(64)));
