/* SPDX-License-Identifier: MIT */
#include "base/cpu.h"
#include "check.h"

#include <sched.h>

int main(void)
{
	cpu_set_t all, one;
	int first = 0;

	check_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	check(cpu_usable() >= 1 && cpu_usable() <= (unsigned)CPU_COUNT(&all));
	while (!CPU_ISSET(first, &all))
		first++;
	CPU_ZERO(&one);
	CPU_SET(first, &one);
	check_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	check_equal(cpu_usable(), 1);
	return 0;
}
