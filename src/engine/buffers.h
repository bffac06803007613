/* SPDX-License-Identifier: MIT */
/*
 * buffers - what the kernel receives into: one ring of provided buffers a worker
 *
 * A buffer leaves the ring with a completion and is given back when the next completion is asked for, so
 * at most one is out and nobody outside can hold it. What was given back is published once a turn.
 */
#pragma once

#include <liburing.h>
#include <stdint.h>

#define BUFFER_GROUP 0

struct buffers {
	struct io_uring_buf_ring *ring;
	char			*memory;
	unsigned		 tail;		/* ours; the kernel sees it with buffers_publish() */
	int			 held;		/* the one that is out; -1 = none */
};

#define BUFFERS_NULL ((struct buffers){ .held = -1 })

/* Return: 0 or -errno; fine to finish either way. */
int buffers_init(struct buffers *b, struct io_uring *ring);
void buffers_finish(struct buffers *b);

/* The bytes of buffer @id, which is out from now on. */
const char *buffers_take(struct buffers *b, unsigned id);
/* Gives back the one that is out, if any. */
void buffers_return(struct buffers *b);
void buffers_publish(struct buffers *b);
