/* SPDX-License-Identifier: MIT */
/* wait - until what was begun is over, by asking for the status */
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/ctl.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LOOK_MS 50

static bool is_true(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

__attribute__((format(printf, 2, 3)))
static enum outcome fail(struct task *task, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(task->why, sizeof(task->why), format, args);
	va_end(args);
	return FAILED;
}

static enum outcome fail_with_pool(struct task *task, const json_t *status)
{
	return fail(task, status ? "the pool is stopping" : "the pool has ended");
}

enum outcome wait_scale(struct task *task, const json_t *status)
{
	json_int_t wanted = report_number(task->reply, "wanted");
	size_t n = json_array_size(json_object_get(status, "slots"));

	if (!status || is_true(status, "stopping"))
		return fail_with_pool(task, status);
	if (is_true(status, "scaling"))
		return UNDER_WAY;
	if ((json_int_t)n == wanted)
		return DONE;
	return fail(task, "there are %zu workers; the log says why", n);
}

enum outcome wait_reload(struct task *task, const json_t *status)
{
	const json_t *reload = json_object_get(status, "reload");

	if (!status || is_true(status, "stopping"))
		return fail_with_pool(task, status);
	if (is_true(reload, "running"))
		return UNDER_WAY;
	if (report_text(reload, "failure")[0] == '\0')
		return DONE;
	return fail(task, "%s", report_text(reload, "failure"));
}

enum outcome wait_stop(struct task *task, const json_t *status)
{
	return status ? UNDER_WAY : DONE;
}

/* NULL when nobody answers. */
static json_t *look_at(struct talk *talk)
{
	const char *why;

	if (talk->fd < 0 && talk_connect(talk) < 0)
		return NULL;
	return talk_ask(talk, json_pack("{s:s}", "command", "status"), &why);
}

int wait_for(struct talk *talk, const json_t *reply, task_look_fn *look)
{
	struct task task = { .reply = reply, .began_ms = clock_ms() };
	const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000L };
	enum outcome outcome;

	for (;;) {
		json_t *status = look_at(talk);

		outcome = look(&task, status);
		json_decref(status);
		if (outcome != UNDER_WAY)
			break;
		nanosleep(&pause, NULL);
	}
	if (outcome == DONE)
		return 0;
	complain("failed: %s", task.why);
	return 1;
}
