/* SPDX-License-Identifier: MIT */
/* wait - until what was begun is over, by asking for the status */
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/ctl.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LOOK_MS 50
/* For as long nobody may answer while a pool changes hands. */
#define SILENCE_MOST_MS 5000

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

enum outcome wait_reopen(struct task *task, const json_t *status)
{
	if (!status)
		return fail_with_pool(task, status);
	return is_true(json_object_get(status, "reopen"), "running") ? UNDER_WAY : DONE;
}

/* Whoever takes over has the socket too, unless it was told to have another: then the old one says so and ends. */
enum outcome wait_upgrade(struct task *task, const json_t *status)
{
	const json_t *upgrade = json_object_get(status, "upgrade");

	if (!status && task->elsewhere)
		return DONE;
	if (!status && task->silent_ms < SILENCE_MOST_MS)
		return UNDER_WAY;
	if (!status)
		return fail(task, "nobody answers at this socket any more");
	if (report_text(upgrade, "failure")[0])
		return fail(task, "%s", report_text(upgrade, "failure"));
	task->elsewhere = report_number(upgrade, "to") != 0;
	return is_true(upgrade, "running") || task->elsewhere ? UNDER_WAY : DONE;
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
	struct task task = { .reply = reply };
	const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000L };
	uint64_t answered_ms = clock_ms();
	enum outcome outcome;

	for (;;) {
		json_t *status = look_at(talk);

		if (status)
			answered_ms = clock_ms();
		task.silent_ms = clock_ms() - answered_ms;
		outcome = look(&task, status);
		if (task.elsewhere)
			talk_end(talk);
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
