/* SPDX-License-Identifier: MIT */
#include "balance/group.h"

#include "base/must.h"

int group_place(const struct group *group, unsigned slot)
{
	for (unsigned i = 0; i < group->n; i++)
		if (group->slot[i] == slot)
			return (int)i;
	return -1;
}

void group_add(struct group *group, unsigned slot)
{
	must(group->n < GROUP_MOST && group_place(group, slot) < 0);
	group->slot[group->n++] = (uint16_t)slot;
}

void group_put(struct group *group, unsigned place, unsigned slot)
{
	group->slot[place] = (uint16_t)slot;
	group->n++;
}

void group_remove(struct group *group, unsigned slot)
{
	int place = group_place(group, slot);

	if (place >= 0)
		group->slot[place] = group->slot[--group->n];
}
