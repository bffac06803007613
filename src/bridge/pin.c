/* SPDX-License-Identifier: MIT */
/*
 * pin - each worker on a CPU of its own, as far as there are
 *
 * The parent is not bound, so a newborn finds in its own mask every CPU that the pool may use now, and a slot has
 * the same one again as long as that mask stays. When it gets narrower, in a cpuset, the kernel moves who is bound to a
 * CPU that is gone; those born later are spread over what is left.
 *
 * Fails by: a kernel, or a filter of system calls, that refuses; then the worker runs wherever it may.
 */
#include "bridge/pin.h"

#include "base/cpu.h"
#include "base/log.h"
#include "bridge/board.h"
#include "bridge/heritage.h"

#include <string.h>
#include <unistd.h>

void pin_to_cpu(const struct heritage *heritage)
{
	struct board *board = heritage->board;
	int cpu;

	if (!heritage->config->options.pin)
		return;
	cpu = cpu_bind(heritage->slot);
	if (cpu >= 0)
		board_set(&board->rows[heritage->row].cpu, (uint64_t)cpu + 1);
	else if (atomic_exchange_explicit(&board->pin_told, 1, memory_order_relaxed) == 0)
		log_warn("pin: worker %u (pid %d) cannot be bound to a CPU: %s; it serves on any", heritage->slot,
			 (int)getpid(), strerrordesc_np(-cpu));
}
