/* SPDX-License-Identifier: MIT */
#include "engine/ring.h"

#include <errno.h>
#include <liburing.h>
#include <stdbool.h>
#include <time.h>

#define ENTRIES		1024	/* of the submission queue; four times as many of the other */
#define ENTRIES_LEAST	64

/* Older kernels know fewer flags: step down until one set is taken. */
static int setup_with_flags(struct io_uring *ring, unsigned entries)
{
	static const unsigned ladder[] = {
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL,
		IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SUBMIT_ALL,
		0,
	};
	int r = -EINVAL;

	for (unsigned i = 0; i < sizeof(ladder) / sizeof(ladder[0]) && r == -EINVAL; i++) {
		struct io_uring_params params = {
			.flags = ladder[i] | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
			.cq_entries = entries * 4,
		};

		r = io_uring_queue_init_params(entries, ring, &params);
	}
	return r;
}

/* The kernel does not list this flag of an operation, but it came with an operation that is listed. */
static int check_multishot_receive(struct io_uring *ring)
{
	struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
	bool known = probe && io_uring_opcode_supported(probe, IORING_OP_SEND_ZC);

	io_uring_free_probe(probe);
	if (known)
		return 0;
	io_uring_queue_exit(ring);
	return -EOPNOTSUPP;
}

int ring_setup(struct io_uring *ring)
{
	static const unsigned waits_ms[] = { 0, 2, 10, 40 };
	int r = -ENOMEM;

	for (unsigned i = 0; i < sizeof(waits_ms) / sizeof(waits_ms[0]) && r == -ENOMEM; i++) {
		struct timespec wait = { 0, (long)waits_ms[i] * 1000000 };

		nanosleep(&wait, NULL);
		for (unsigned n = ENTRIES; n >= ENTRIES_LEAST && r == -ENOMEM; n /= 2)
			r = setup_with_flags(ring, n);
	}
	return r < 0 ? r : check_multishot_receive(ring);
}
