/* SPDX-License-Identifier: MIT */
/* report_uses - what workers do beside requests, a line each, where they do it */
#include "cli/ctl.h"

#include <stdio.h>

struct word {
	const char	*key, *name;
};

/* ", N name" of each. */
static void list(const json_t *counts, const struct word words[], size_t n, char line[REPORT_USE_BYTES])
{
	size_t len = 0;

	line[0] = '\0';
	for (size_t i = 0; i < n && len < REPORT_USE_BYTES; i++) {
		char count[CELL_BYTES];

		report_count(report_number(counts, words[i].key), count);
		len += (size_t)snprintf(line + len, REPORT_USE_BYTES - len, ", %s %s", count, words[i].name);
	}
}

static void tell_tasks(const json_t *tasks, char line[REPORT_USE_BYTES])
{
	static const struct word words[] = {
		{ "done", "done" }, { "failed", "failed" }, { "crashed", "crashed" }, { "timed_out", "timed out" },
		{ "refused", "refused" },
	};
	const json_t *slots = json_object_get(tasks, "slots");
	char counts[REPORT_USE_BYTES];
	unsigned n_running = 0;

	for (size_t i = 0; i < json_array_size(slots); i++)
		n_running += report_is_true(json_object_get(json_array_get(slots, i), "process"), "running");
	list(json_object_get(tasks, "totals"), words, sizeof(words) / sizeof(words[0]), counts);
	snprintf(line, REPORT_USE_BYTES, "tasks: %zu processes, %d queued, %u running%.80s", json_array_size(slots),
		 (int)report_number(tasks, "queued"), n_running, counts);
}

static void tell_state(const json_t *state, char line[REPORT_USE_BYTES])
{
	static const struct word words[] = {
		{ "reads", "reads" }, { "writes", "writes" }, { "evictions", "evictions" }, { "refusals", "refusals" },
	};
	char counts[REPORT_USE_BYTES];

	list(state, words, sizeof(words) / sizeof(words[0]), counts);
	snprintf(line, REPORT_USE_BYTES, "state: %.120s", counts + 2);
}

static void tell_messages(const json_t *messages, char line[REPORT_USE_BYTES])
{
	static const struct word words[] = {
		{ "sent", "sent" }, { "received", "received" }, { "relayed", "relayed" }, { "refused", "refused" },
	};
	char counts[REPORT_USE_BYTES], bytes[CELL_BYTES];

	list(messages, words, sizeof(words) / sizeof(words[0]), counts);
	report_bytes(report_number(messages, "relayed_bytes"), bytes);
	snprintf(line, REPORT_USE_BYTES, "messages: %.110s, %s bytes", counts + 2, bytes);
}

size_t report_uses(const json_t *status, char lines[REPORT_USES][REPORT_USE_BYTES])
{
	static const struct {
		const char	*key;
		void		(*tell)(const json_t *of, char line[REPORT_USE_BYTES]);
	} uses[REPORT_USES] = { { "tasks", tell_tasks }, { "state", tell_state }, { "messages", tell_messages } };
	size_t n = 0;

	for (size_t i = 0; i < REPORT_USES; i++) {
		const json_t *of = json_object_get(status, uses[i].key);

		if (json_is_object(of))
			uses[i].tell(of, lines[n++]);
	}
	return n;
}
