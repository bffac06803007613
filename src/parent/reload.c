/* SPDX-License-Identifier: MIT */
/*
 * reload - every worker replaced by a new one, losing nothing
 *
 * As if each worker had asked for it (rollout.c): its replacement takes over the same listener, and only when
 * that one is ready the old one drains. What a worker loads when it starts, a handler above all, is thereby
 * loaded anew. Asked for again meanwhile, it begins anew.
 *
 * Fails by: a replacement that does not get ready. Then the reload ends, and who has not been replaced stays.
 */
#include "parent/crew.h"

#include "base/log.h"

bool reload_concerns(const struct crew *crew, const struct child *child)
{
	return crew->reloading && child->reload != crew->n_reloads;
}

static unsigned n_concerned(struct crew *crew)
{
	unsigned n = 0;

	slot_each(crew, slot)
		n += slot->incumbent && reload_concerns(crew, slot->incumbent);
	return n;
}

void reload_begin(struct crew *crew)
{
	if (crew->stopping) {
		log_info("SIGHUP: stopping already");
		return;
	}
	crew->n_reloads++;
	crew->reloading = true;
	crew->reload_ms = crew->now_ms;
	log_info("SIGHUP: reloading %u worker%s, %u at a time", n_concerned(crew),
		 n_concerned(crew) == 1 ? "" : "s", crew->config->options.surge);
	reload_check(crew);
}

void reload_stop(struct crew *crew, const struct obituary *o)
{
	char how[LOG_LINE_BYTES / 2];

	if (!crew->reloading)
		return;
	obituary_tell_briefly(o, how, sizeof(how));
	log_error("reload: stopped at worker %u, whose replacement died %s; %u old worker%s", o->slot, how,
		  n_concerned(crew), n_concerned(crew) == 1 ? " stays" : "s stay");
	crew->reloading = false;
}

void reload_check(struct crew *crew)
{
	char took[DURATION_TEXT_BYTES];

	if (!crew->reloading || n_concerned(crew) > 0)
		return;
	crew->reloading = false;
	duration_format(crew->now_ms - crew->reload_ms, took);
	log_info("reload: done after %s", took);
}
