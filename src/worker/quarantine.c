/* SPDX-License-Identifier: MIT */
/*
 * quarantine - requests whose like have made workers fault are not handled
 *
 * It stands before what answers. The list is the parent's, on the board, and nearly always empty: then a
 * request costs one load. A row holds until its time is over.
 */
#include "worker/room.h"

#include "base/log.h"
#include "bridge/board.h"
#include "bridge/poison.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

static const struct poison_list *list_of(const struct worker *w)
{
	return &w->heritage->board->poison;
}

/* Return: for how long still, 0 = it is not in quarantine. */
static uint64_t held_for_ms(const struct worker *w, const struct brood_request *r)
{
	const struct poison_list *list = list_of(w);
	uint64_t fingerprint = poison_fingerprint(r->head.line.at, r->head.line.len);

	for (unsigned i = 0; i < POISON_MOST; i++) {
		uint64_t until_ms = board_get(&list->rows[i].until_ms);

		if (board_get(&list->rows[i].fingerprint) == fingerprint && until_ms > w->engine->now_ms)
			return until_ms - w->engine->now_ms;
	}
	return 0;
}

static void refuse(struct worker *w, struct brood_request *r, uint64_t for_ms)
{
	static const char text[] = "503 this request makes workers fault; not handled for a while\n";
	char seconds[24];

	if (w->n_quarantined++ == 0)
		log_warn("worker %u (pid %d): answers 503 to a request in quarantine", w->heritage->slot,
			 (int)getpid());
	snprintf(seconds, sizeof(seconds), "%" PRIu64, (for_ms + 999) / 1000);
	(void)brood_set_header(r, "Retry-After", seconds);
	(void)brood_respond(r, 503, "text/plain", text, sizeof(text) - 1);
}

static void answer(struct brood_request *r, void *ctx)
{
	struct worker *w = ctx;
	uint64_t for_ms = 0;

	if (atomic_load_explicit(&list_of(w)->n, memory_order_relaxed) > 0)
		for_ms = held_for_ms(w, r);
	if (for_ms > 0)
		refuse(w, r, for_ms);
	else
		w->service.answer(r, w->service.ctx);
}

struct service quarantine_before(struct worker *w)
{
	if (w->config->options.poison_limit == BROOD_OFF)
		return w->service;
	return (struct service){ answer, w };
}
