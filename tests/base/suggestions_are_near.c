/* SPDX-License-Identifier: MIT */
#include "base/auto.h"
#include "base/suggest.h"
#include "check.h"

static const char *const names[] = { "workers", "user", "group", "backoff", "backlog", "text", "pin" };

static const char *nearest(const char *word)
{
	const char *name = suggest_nearest(word, names, ARRAY_LEN(names));

	return name ? name : "(none)";
}

int main(void)
{
	check_text(nearest("wrokers"), "workers");
	check_text(nearest("worker"), "workers");
	check_text(nearest("work-ers"), "workers");
	check_text(nearest("bakclog"), "backlog");
	check_text(nearest("backof"), "backoff");
	check_text(nearest("txt"), "text");
	check_text(nearest("pni"), "pin");
	check_text(nearest("completely-other"), "(none)");
	check_text(nearest(""), "(none)");
	check_text(nearest("x"), "(none)");
	check_text(nearest("workers-workers-workers-workers-workers"), "(none)");
	return 0;
}
