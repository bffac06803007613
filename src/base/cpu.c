/* SPDX-License-Identifier: MIT */
#include "base/cpu.h"
#include "base/quota.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>

#define CPUS_MAX 65536

/* The kernel refuses a mask smaller than its own, so it is grown until it fits. 0 = it would not tell. */
static unsigned count_affine(void)
{
	for (unsigned n_cpus = 1024; n_cpus <= CPUS_MAX; n_cpus *= 2) {
		size_t bytes = CPU_ALLOC_SIZE(n_cpus);
		cpu_set_t *set = CPU_ALLOC(n_cpus);
		int r, count;

		if (!set)
			return 0;
		r = sched_getaffinity(0, bytes, set);
		count = r == 0 ? CPU_COUNT_S(bytes, set) : 0;
		CPU_FREE(set);
		if (r == 0 || errno != EINVAL)
			return (unsigned)count;
	}
	return 0;
}

unsigned cpu_usable(void)
{
	unsigned affine = count_affine();
	unsigned quota = quota_cpus("");
	unsigned usable = quota && quota < affine ? quota : affine;

	return usable ? usable : 1;
}
