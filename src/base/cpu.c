/* SPDX-License-Identifier: MIT */
#include "base/cpu.h"
#include "base/quota.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>

#define CPUS_MAX 65536

/* The kernel refuses a mask smaller than its own, so it is grown until it fits. Return: 0 or -errno. */
static int read_affine(cpu_set_t **ret_set, size_t *ret_bytes)
{
	int r = -EINVAL;

	for (unsigned n_cpus = 1024; n_cpus <= CPUS_MAX && r == -EINVAL; n_cpus *= 2) {
		size_t bytes = CPU_ALLOC_SIZE(n_cpus);
		cpu_set_t *set = CPU_ALLOC(n_cpus);

		if (!set)
			return -ENOMEM;
		r = sched_getaffinity(0, bytes, set) < 0 ? -errno : 0;
		if (r == 0) {
			*ret_set = set;
			*ret_bytes = bytes;
			return 0;
		}
		CPU_FREE(set);
	}
	return r;
}

/* 0 = the kernel would not tell. */
static unsigned count_affine(void)
{
	cpu_set_t *set;
	size_t bytes;
	int count;

	if (read_affine(&set, &bytes) < 0)
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
	cpu_set_t *set;
	size_t bytes;
	int r = read_affine(&set, &bytes);

	if (r < 0)
		return r;
	r = CPU_COUNT_S(bytes, set) > 0 ? bind_to(find_nth(set, bytes, index), set, bytes) : -EINVAL;
	CPU_FREE(set);
	return r;
}
