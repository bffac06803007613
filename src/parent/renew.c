/* SPDX-License-Identifier: MIT */
/*
 * renew - a reload begins with new options, if there are any to be had
 *
 * The new config is in force from then on: for whoever is born, and for the parent itself. The one that every
 * worker got ready with is kept until the new one has proven itself in the same way; a reload that stops goes back
 * to it, so that what did not work is not tried again with the next worker that dies.
 */
#include "parent/renew.h"

#include "base/log.h"
#include "parent/crew.h"
#include "parent/hang.h"
#include "parent/parent.h"
#include "parent/scale.h"

#include <string.h>

static void destroy(struct crew *crew, const struct config *config)
{
	if (config != crew->first)
		crew->renewal->destroy((struct config *)config);
}

static void scale(struct crew *crew, const struct config *before)
{
	const char *why_not = NULL;

	if (crew->config->options.workers != before->options.workers)
		why_not = scale_to(crew, crew->config->options.workers);
	if (why_not)
		log_warn("reload: option workers: %s", why_not);
}

/* Return: 0, or -ENOMEM; going back to what was in force before never fails. */
static int put_in_force(struct crew *crew, const struct config *config)
{
	const struct config *before = crew->config;
	int r = crew_set_policy(crew, config);

	if (r < 0)
		return r;
	crew->config = config;
	log_setup((enum log_format)config->options.log_format, (enum log_level)config->options.log_level);
	if (crew->was_ready)
		hang_watch(crew);
	scale(crew, before);
	return 0;
}

int renew_begin(struct crew *crew)
{
	const struct config *before = crew->config;
	struct config *config;
	int r;

	if (!crew->renewal)
		return 0;
	r = crew->renewal->create(crew->renewal->arg, before, &config);
	if (r < 0)
		return r;
	r = put_in_force(crew, config);
	if (r < 0) {
		log_error("reload: %s; nothing is changed", strerror(-r));
		crew->renewal->destroy(config);
		return r;
	}
	if (before != crew->proven)
		destroy(crew, before);
	return 0;
}

void renew_keep(struct crew *crew)
{
	if (crew->proven != crew->config)
		destroy(crew, crew->proven);
	crew->proven = crew->config;
}

void renew_undo(struct crew *crew)
{
	const struct config *failed = crew->config;

	if (failed == crew->proven)
		return;
	if (put_in_force(crew, crew->proven) == 0)
		destroy(crew, failed);
}

void renew_finish(struct crew *crew)
{
	if (crew->config != crew->proven)
		destroy(crew, crew->config);
	destroy(crew, crew->proven);
	crew->config = crew->proven = crew->first;
}
