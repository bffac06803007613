/* SPDX-License-Identifier: MIT */
#include "engine/buffers.h"

#include <errno.h>
#include <sys/mman.h>

#define BUFFERS		512		/* a power of two */
#define BUFFER_BYTES	4096

static void *map_pages(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

static char *buffer_at(const struct buffers *b, unsigned id)
{
	return b->memory + (size_t)id * BUFFER_BYTES;
}

int buffers_init(struct buffers *b, struct io_uring *ring)
{
	struct io_uring_buf_reg reg = { .ring_entries = BUFFERS, .bgid = BUFFER_GROUP };

	b->ring = map_pages(BUFFERS * sizeof(struct io_uring_buf));
	b->memory = map_pages((size_t)BUFFERS * BUFFER_BYTES);
	if (!b->ring || !b->memory)
		return -ENOMEM;
	reg.ring_addr = (uintptr_t)b->ring;
	for (unsigned id = 0; id < BUFFERS; id++) {
		buffers_take(b, id);
		buffers_return(b);
	}
	buffers_publish(b);
	return io_uring_register_buf_ring(ring, &reg, 0);
}

void buffers_finish(struct buffers *b)
{
	if (b->ring)
		munmap(b->ring, BUFFERS * sizeof(struct io_uring_buf));
	if (b->memory)
		munmap(b->memory, (size_t)BUFFERS * BUFFER_BYTES);
	*b = BUFFERS_NULL;
}

const char *buffers_take(struct buffers *b, unsigned id)
{
	b->held = (int)id;
	return buffer_at(b, id);
}

void buffers_return(struct buffers *b)
{
	struct io_uring_buf *slot;

	if (b->held < 0)
		return;
	slot = &b->ring->bufs[b->tail & (BUFFERS - 1)];
	slot->addr = (uintptr_t)buffer_at(b, (unsigned)b->held);
	slot->len = BUFFER_BYTES;
	slot->bid = (uint16_t)b->held;
	b->tail++;
	b->held = -1;
}

void buffers_publish(struct buffers *b)
{
	__atomic_store_n(&b->ring->tail, (uint16_t)b->tail, __ATOMIC_RELEASE);
}
