/* SPDX-License-Identifier: MIT */
/* top_rates - requests a second of each slot and of the pool */
#include "cli/top.h"

#include <string.h>

static double since(const struct rate *before, const struct rate *now, uint64_t elapsed_ms)
{
	json_int_t from = before->pid == now->pid ? before->requests : 0;

	if (now->pid == 0 || now->requests <= from || elapsed_ms == 0)
		return 0;
	return (double)(now->requests - from) * 1000 / (double)elapsed_ms;
}

static void remember(struct rates *rates, double per_s)
{
	if (rates->n_history == TOP_HISTORY_MOST) {
		memmove(rates->history, rates->history + 1, sizeof(rates->history) - sizeof(rates->history[0]));
		rates->n_history--;
	}
	rates->history[rates->n_history++] = per_s;
}

void rates_take(struct rates *rates, const json_t *status, uint64_t now_ms)
{
	const json_t *slots = json_object_get(status, "slots");
	struct rate now[TOP_SLOTS_MOST] = { 0 };
	bool is_first = rates->at_ms == 0;
	double sum = 0;

	for (size_t i = 0; i < json_array_size(slots); i++) {
		const json_t *slot = json_array_get(slots, i), *worker = json_object_get(slot, "worker");
		json_int_t at = report_number(slot, "slot");

		if (at < 0 || at >= TOP_SLOTS_MOST)
			continue;
		now[at].pid = report_number(worker, "pid");
		now[at].requests = report_number(worker, "requests");
		now[at].per_s = is_first ? -1 : since(&rates->slots[at], &now[at], now_ms - rates->at_ms);
		sum += now[at].per_s;
	}
	memcpy(rates->slots, now, sizeof(now));
	rates->at_ms = now_ms;
	rates->per_s = is_first ? -1 : sum;
	if (!is_first)
		remember(rates, sum);
}
