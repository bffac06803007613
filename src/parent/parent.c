/* SPDX-License-Identifier: MIT */
#include "parent/parent.h"

#include "base/log.h"
#include "base/must.h"
#include "parent/control.h"
#include "parent/crew.h"
#include "parent/herald.h"
#include "parent/intake.h"
#include "parent/logs.h"
#include "parent/loop.h"
#include "parent/notify.h"
#include "parent/pidfile.h"
#include "parent/post.h"
#include "parent/publish.h"
#include "parent/reap.h"
#include "parent/renew.h"
#include "parent/stdio.h"
#include "parent/stop.h"
#include "parent/takeover.h"
#include "parent/tally.h"
#include "parent/tasks.h"
#include "parent/weigh.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int fail_start(const char *what, int error)
{
	log_error("cannot start: %s: %s", what, strerror(-error));
	return BROOD_EXIT_NOT_STARTED;
}

static int run_crew(struct crew *crew)
{
	int r = logs_open(crew);

	if (r < 0)
		return BROOD_EXIT_NOT_STARTED;
	r = notify_create(crew);
	if (r < 0)
		return fail_start("socket of the service manager", r);
	r = loop_init(crew);
	if (r < 0)
		return fail_start("descriptors of the parent", r);
	reap_begin(crew);
	r = pidfile_draft(crew);
	if (r < 0)
		return fail_start(crew->config->options.pid_file, r);
	r = control_create(crew);
	if (r < 0)
		return BROOD_EXIT_NOT_STARTED;
	r = tally_create(crew);
	if (r < 0) {
		log_error("cannot start: balance least: %s", crew->why_not_least);
		return BROOD_EXIT_NOT_STARTED;
	}
	r = tasks_create(crew);
	if (r < 0)
		return fail_start("queue of the tasks", r);
	r = intake_create(crew);
	if (r < 0)
		return fail_start("queues of the workers", r);
	r = weigh_create(crew);
	if (r < 0)
		return fail_start("descriptor for arrivals", r);
	r = publish_create(crew);
	if (r < 0)
		return fail_start("what --admin tells", r);
	r = post_create(crew);
	if (r < 0)
		return fail_start("memory for messages", r);
	r = herald_create(crew);
	if (r < 0)
		return fail_start("the process of the callbacks", r);
	r = takeover_begin(crew);
	if (r < 0)
		return fail_start("taking over", r);
	publish_settle(crew);	/* the first worker may be asked before our first turn is over */
	fflush(NULL);		/* what is buffered now would be written by every worker again */
	loop_run(crew);
	crew->n_cut += intake_destroy(crew);
	return stop_verdict(crew);
}

int parent_run(const struct config *config, int reserved_fd[], int claim_fd[], const struct renewal *renewal,
	       const struct program *program, struct takeover *takeover)
{
	struct crew *crew;
	int r;

	for (unsigned i = 0; i < config->n_listeners; i++)
		must(reserved_fd[i] >= 0);
	stdio_complete();
	r = crew_create(config, &crew);
	if (r < 0)
		return fail_start("memory of the parent", r);
	crew->reserved_fd = reserved_fd;
	crew->claim_fd = claim_fd;
	crew->renewal = renewal;
	crew->program = program;
	crew->takeover = takeover;
	r = run_crew(crew);
	control_destroy(crew);	/* first: who still asks for the status is told of all the others */
	herald_destroy(crew);
	post_destroy(crew);
	pidfile_remove(crew);
	loop_finish(crew);
	renew_finish(crew);
	notify_destroy(crew);
	logs_close(crew);
	crew_destroy(crew);
	return r;
}
