/* SPDX-License-Identifier: MIT */
#include "base/cpu.h"
#include "check.h"

#include <sched.h>

/* Each of them in turn, and the first again. */
static void check_bindings(const cpu_set_t *all)
{
	unsigned index = 0;
	cpu_set_t now;

	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, all))
			continue;
		check_equal(cpu_bind(index++), cpu);
		check_equal(sched_getaffinity(0, sizeof(now), &now), 0);
		check(CPU_COUNT(&now) == 1 && CPU_ISSET(cpu, &now));
		check_equal(sched_setaffinity(0, sizeof(*all), all), 0);
	}
	check(CPU_ISSET(cpu_bind(index), all));
	check_equal(cpu_bind(7), sched_getcpu());	/* there is but one any more */
	check_equal(sched_setaffinity(0, sizeof(*all), all), 0);
}

int main(void)
{
	cpu_set_t all, one;
	int first = 0;

	check_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	check(cpu_usable() >= 1 && cpu_usable() <= (unsigned)CPU_COUNT(&all));
	check_bindings(&all);
	while (!CPU_ISSET(first, &all))
		first++;
	CPU_ZERO(&one);
	CPU_SET(first, &one);
	check_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	check_equal(cpu_usable(), 1);
	return 0;
}
