/* SPDX-License-Identifier: MIT */
/* names - which tasks there are: of the program, or in the table of its shared object */
#include "task/task.h"

#include "bridge/config.h"
#include "service/service.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct task_definition table[TASK_NAMES_MAX];
static unsigned n_names;

static int add(const struct brood_task_entry *entry)
{
	if (n_names == TASK_NAMES_MAX || strlen(entry->name) >= TASK_NAME_BYTES || !entry->fn)
		return -EINVAL;
	table[n_names] = (struct task_definition){ .fn = entry->fn, .arg = entry->arg };
	memcpy(table[n_names++].name, entry->name, strlen(entry->name));
	return 0;
}

static int copy_table(const struct brood_task_entry *entry)
{
	int r = 0;

	for (; entry->name && r == 0; entry++)
		r = add(entry);
	return r;
}

/* A worker has loaded it already: then it is the same one. It stays loaded. */
static int load_object(const char *path, bool start, char *why, size_t size)
{
	const struct brood_task_entry *entries;
	int (*begin)(void);
	void *object;
	int r = handler_open(path, &object, why, size);

	if (r < 0)
		return r;
	entries = dlsym(object, "brood_tasks");
	if (!entries || copy_table(entries) < 0) {
		snprintf(why, size, "handler %s: %s", path,
			 entries ? "brood_tasks: over 64 tasks, a name over 39 bytes, or no function"
				 : "exports no brood_tasks, and the option tasks is set");
		return -EINVAL;
	}
	begin = (int (*)(void))dlsym(object, "brood_task_start");
	r = start && begin ? begin() : 0;
	if (r != 0)
		snprintf(why, size, "handler %s: brood_task_start() returned %d", path, r);
	return r != 0 ? -ECANCELED : 0;
}

int names_load(const struct config *config, bool start, char *why, size_t size)
{
	n_names = 0;
	if (config->options.handler)
		return load_object(config->options.handler, start, why, size);
	memcpy(table, config->task_definitions, sizeof(table));
	n_names = config->n_task_definitions;
	return 0;
}

const struct task_definition *names_find(const char *name)
{
	for (unsigned i = 0; i < n_names; i++)
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	return NULL;
}
