/* SPDX-License-Identifier: MIT */
#include "base/cpu.h"
#include "base/quota.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>

#define CPUS_MAX 65536

/* The kernel refuses a mask smaller than its own, so it is grown until it fits. NULL = see errno. */
static cpu_set_t *read_affine(size_t *ret_bytes)
{
	for (unsigned n_cpus = 1024; n_cpus <= CPUS_MAX; n_cpus *= 2) {
		cpu_set_t *set = CPU_ALLOC(n_cpus);

		*ret_bytes = CPU_ALLOC_SIZE(n_cpus);
		if (!set || sched_getaffinity(0, *ret_bytes, set) == 0)
			return set;
		CPU_FREE(set);
		if (errno != EINVAL)
			break;
	}
	return NULL;
}

/* 0 = the kernel would not tell. */
static unsigned count_affine(void)
{
	size_t bytes;
	cpu_set_t *set = read_affine(&bytes);
	int count;

	if (!set)
		return 0;
	count = CPU_COUNT_S(bytes, set);
	CPU_FREE(set);
	return (unsigned)count;
}

unsigned cpu_usable(void)
{
	unsigned affine = count_affine();
	unsigned quota = quota_cpus("");
	unsigned usable = quota && quota < affine ? quota : affine;

	return usable ? usable : 1;
}

/* Of a set that is not empty. */
static unsigned find_nth(const cpu_set_t *set, size_t bytes, unsigned n)
{
	unsigned cpu = 0;

	n %= (unsigned)CPU_COUNT_S(bytes, set);
	while (!CPU_ISSET_S(cpu, bytes, set) || n-- > 0)
		cpu++;
	return cpu;
}

static int bind_to(unsigned cpu, cpu_set_t *set, size_t bytes)
{
	CPU_ZERO_S(bytes, set);
	CPU_SET_S(cpu, bytes, set);
	return sched_setaffinity(0, bytes, set) < 0 ? -errno : (int)cpu;
}

int cpu_bind(unsigned index)
{
	size_t bytes;
	cpu_set_t *set = read_affine(&bytes);
	int r;

	if (!set)
		return -errno;
	r = CPU_COUNT_S(bytes, set) > 0 ? bind_to(find_nth(set, bytes, index), set, bytes) : -EINVAL;
	CPU_FREE(set);
	return r;
}
