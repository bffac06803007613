/* SPDX-License-Identifier: MIT */
/*
 * reload - every worker replaced by a new one, losing nothing
 *
 * As if each worker had asked for it (rollout.c): its replacement takes over the same listener, and only when
 * that one is ready the old one drains. What a worker is born with, the options (renew.c) and a handler above all,
 * is thereby new. Asked for again meanwhile, it begins anew.
 *
 * Fails by: a replacement that does not get ready. Then the reload ends, and who has not been replaced stays.
 */
#include "parent/reload.h"

#include "base/log.h"
#include "parent/child.h"
#include "parent/crew.h"
#include "parent/event.h"
#include "parent/notify.h"
#include "parent/obituary.h"
#include "parent/renew.h"
#include "parent/upgrade.h"

#include <stdio.h>

bool reload_concerns(const struct crew *crew, const struct child *child)
{
	return crew->reloading && child->reload != crew->n_reloads;
}

/* Who leaves by a scaling is not replaced. */
unsigned reload_n_left(struct crew *crew)
{
	unsigned n = 0;

	slot_each(crew, slot)
		n += slot->index < crew->n_wanted && slot->incumbent && reload_concerns(crew, slot->incumbent);
	task_each(crew, slot)
		n += slot->incumbent && reload_concerns(crew, slot->incumbent);
	return n;
}

const char *reload_begin(struct crew *crew, const char *who)
{
	if (upgrade_under_way(crew))
		return "an upgrade is under way, which replaces the workers too";
	if (crew->stopping)
		return "the pool is stopping";
	if (renew_begin(crew) < 0)
		return "the new options are refused, as the log says; nothing is changed";
	notify_reloading(crew);
	crew->n_reloads++;
	crew->reloading = true;
	crew->reload_ms = crew->now_ms;
	crew->reload_failure[0] = '\0';
	log_info("%s: reloading %u worker%s%s, %u at a time", who, reload_n_left(crew), reload_n_left(crew) == 1 ? "" : "s",
		 crew->config->options.tasks ? " and task processes" : "", crew->config->options.surge);
	event_pool(crew, "reload", "begun", who);
	return NULL;
}

void reload_stop(struct crew *crew, const struct obituary *o)
{
	char how[192];

	if (!crew->reloading)
		return;
	obituary_tell_briefly(o, how, sizeof(how));
	snprintf(crew->reload_failure, sizeof(crew->reload_failure), "stopped at %s %u, whose replacement died %s",
		 slot_kind(o->slot), slot_number(o->slot), how);
	crew->n_reloads_failed++;
	log_error("reload: %s; %u old worker%s", crew->reload_failure, reload_n_left(crew),
		  reload_n_left(crew) == 1 ? " stays" : "s stay");
	event_pool(crew, "reload", "failed", crew->reload_failure);
	crew->reloading = false;
	renew_undo(crew);
	notify_ready(crew);
}

void reload_settle(struct crew *crew)
{
	char took[DURATION_TEXT_BYTES];

	if (!crew->reloading || reload_n_left(crew) > 0)
		return;
	crew->reloading = false;
	renew_keep(crew);
	notify_ready(crew);
	duration_format(crew->now_ms - crew->reload_ms, took);
	log_info("reload: done after %s", took);
	event_pool(crew, "reload", "done", "");
	event_setup_all(crew);
}
