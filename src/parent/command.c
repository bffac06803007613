/* SPDX-License-Identifier: MIT */
/*
 * command - what is asked for on the control socket, and the reply
 *
 * A table of commands, each with at most one argument. A request is read in the strict reading: an argument
 * that the command does not have, or a key twice, is an error and nothing is done.
 */
#include "parent/control.h"

#include "base/auto.h"
#include "base/log.h"
#include "parent/child.h"
#include "parent/crew.h"
#include "parent/logs.h"
#include "parent/poison.h"
#include "parent/reload.h"
#include "parent/scale.h"
#include "parent/stop.h"
#include "parent/upgrade.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum argument { NO_ARGUMENT, NUMBER, MAY_BE_NUMBER, MAY_BE_TRUE };

#define NOT_GIVEN (-1)

/* @argument: the number, 1 for true, or NOT_GIVEN. */
typedef void command_fn(struct crew *crew, json_int_t argument, struct answer *answer);

__attribute__((format(printf, 2, 3)))
static void refuse(struct answer *answer, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(answer->error, sizeof(answer->error), format, args);
	va_end(args);
}

static void tell(struct answer *answer, json_t *fields)
{
	answer->fields = fields;
	answer->is_short = !fields;
}

/* NULL and a refusal when there is none, or nobody in it. */
static struct child *find_worker(struct crew *crew, json_int_t slot, struct answer *answer)
{
	if (slot >= crew->n_slots)
		refuse(answer, "there is no slot %" JSON_INTEGER_FORMAT "; they are 0 to %u", slot,
		       crew->n_slots - 1);
	else if (!crew->slots[slot].incumbent)
		refuse(answer, "slot %d is %s: there is no worker in it", (int)slot,
		       slot_state_name(crew->slots[slot].state));
	else
		return crew->slots[slot].incumbent;
	return NULL;
}

/* ---- the commands ---- */

static void run_status(struct crew *crew, json_int_t argument, struct answer *answer)
{
	tell(answer, status_tell(crew));
}

static void run_scale(struct crew *crew, json_int_t n, struct answer *answer)
{
	const char *why_not = scale_to(crew, n < UINT32_MAX ? (unsigned)n : UINT32_MAX);

	if (why_not)
		refuse(answer, "%s", why_not);
	else
		tell(answer, json_pack("{s:i}", "wanted", (int)crew->n_wanted));
}

static void run_reload(struct crew *crew, json_int_t argument, struct answer *answer)
{
	const char *why_not = reload_begin(crew, "control");

	if (why_not)
		refuse(answer, "%s", why_not);
	else
		tell(answer, json_pack("{s:I}", "reload", (json_int_t)crew->n_reloads));
}

static void run_reopen(struct crew *crew, json_int_t argument, struct answer *answer)
{
	const char *why_not = logs_reopen(crew, "control");

	if (why_not)
		refuse(answer, "%s", why_not);
	else
		tell(answer, json_pack("{s:I}", "reopen", (json_int_t)crew->n_reopens));
}

static void run_drain(struct crew *crew, json_int_t slot, struct answer *answer)
{
	struct child *child = crew->stopping ? NULL : find_worker(crew, slot, answer);

	if (crew->stopping)
		refuse(answer, "the pool is stopping");
	if (!child)
		return;
	if (child->phase != CHILD_SERVING || !slot_is_served(crew->slots[slot].state)) {
		refuse(answer, "slot %d is %s: its worker does not serve", (int)slot,
		       slot_state_name(crew->slots[slot].state));
	} else {
		child_wish(crew, child, "drain (control)");
		tell(answer, json_pack("{s:i}", "pid", (int)child->pid));
	}
}

static void run_kill(struct crew *crew, json_int_t slot, struct answer *answer)
{
	struct child *child = find_worker(crew, slot, answer);

	if (!child)
		return;
	log_info("control: killing worker %u (pid %d)", child->slot, (int)child->pid);
	child_kill(crew, child, "control");
	tell(answer, json_pack("{s:i}", "pid", (int)child->pid));
}

static void run_stop(struct crew *crew, json_int_t now, struct answer *answer)
{
	if (now == 1)
		stop_ask_now(crew, "control");
	else
		stop_ask(crew, "control");
}

static void run_upgrade(struct crew *crew, json_int_t argument, struct answer *answer)
{
	const char *why_not = upgrade_begin(crew);

	if (why_not)
		refuse(answer, "%s", why_not);
	else
		tell(answer, json_pack("{s:i}", "pid", (int)crew->upgrade.pid));
}

static void run_events(struct crew *crew, json_int_t argument, struct answer *answer)
{
	answer->listens = control_may_listen(crew);
	if (!answer->listens)
		refuse(answer, "%d listen already", CONTROL_LISTENERS_MOST);
}

static void run_poison(struct crew *crew, json_int_t argument, struct answer *answer)
{
	tell(answer, status_tell_poison(crew));
}

static void run_poison_clear(struct crew *crew, json_int_t n, struct answer *answer)
{
	unsigned n_cleared = 0;

	if (n == NOT_GIVEN)
		n_cleared = poison_clear_all(crew);
	else if (n >= POISON_MOST || !poison_clear(crew, (unsigned)n))
		refuse(answer, "there is no quarantine %" JSON_INTEGER_FORMAT, n);
	else
		n_cleared = 1;
	tell(answer, json_pack("{s:i}", "cleared", (int)n_cleared));
}

/* name, argument, its kind, what runs it (NULL = not in this version) */
static const struct command {
	const char	*name;
	const char	*argument;
	enum argument	 kind;
	command_fn	*run;
} commands[] = {
	{ "status",	  NULL,	  NO_ARGUMENT,	 run_status },
	{ "scale",	  "n",	  NUMBER,	 run_scale },
	{ "reload",	  NULL,	  NO_ARGUMENT,	 run_reload },
	{ "reopen",	  NULL,	  NO_ARGUMENT,	 run_reopen },
	{ "drain",	  "slot", NUMBER,	 run_drain },
	{ "kill",	  "slot", NUMBER,	 run_kill },
	{ "stop",	  "now",  MAY_BE_TRUE,	 run_stop },
	{ "upgrade",	  NULL,	  NO_ARGUMENT,	 run_upgrade },
	{ "events",	  NULL,	  NO_ARGUMENT,	 run_events },
	{ "poison",	  NULL,	  NO_ARGUMENT,	 run_poison },
	{ "poison-clear", "n",	  MAY_BE_NUMBER, run_poison_clear },
};

/* ---- reading a request ---- */

static const struct command *find_command(const json_t *request, struct answer *answer)
{
	const char *name = json_string_value(json_object_get(request, "command"));
	json_t *version = json_object_get(request, "version");

	if (version && (!json_is_integer(version) || json_integer_value(version) != CONTROL_VERSION)) {
		refuse(answer, "only version %d is spoken here", CONTROL_VERSION);
		return NULL;
	}
	if (!name) {
		refuse(answer, "a request has a \"command\", and a text for it");
		return NULL;
	}
	for (const struct command *c = commands; c < commands + ARRAY_LEN(commands); c++)
		if (strcmp(c->name, name) == 0)
			return c;
	refuse(answer, "there is no command \"%.40s\"", name);
	return NULL;
}

static bool expects(const struct command *command, const char *key)
{
	return strcmp(key, "command") == 0 || strcmp(key, "version") == 0 ||
	       (command->argument && strcmp(key, command->argument) == 0);
}

static bool fits(enum argument kind, const json_t *value)
{
	switch (kind) {
	case NO_ARGUMENT:	return !value;
	case NUMBER:		return json_is_integer(value) && json_integer_value(value) >= 0;
	case MAY_BE_NUMBER:	return !value || fits(NUMBER, value);
	case MAY_BE_TRUE:	return !value || json_is_boolean(value);
	}
	return false;
}

/* Return: whether the request has what the command needs, and nothing else. */
static bool read_argument(const struct command *command, json_t *request, json_int_t *ret_argument,
			  struct answer *answer)
{
	const json_t *value = command->argument ? json_object_get(request, command->argument) : NULL;

	for (void *at = json_object_iter(request); at; at = json_object_iter_next(request, at)) {
		const char *key = json_object_iter_key(at);

		if (expects(command, key))
			continue;
		refuse(answer, "%s has no \"%.40s\"", command->name, key);
		return false;
	}
	if (!fits(command->kind, value)) {
		refuse(answer, "%s: \"%s\" must be %s", command->name, command->argument,
		       command->kind == MAY_BE_TRUE ? "true or false" : "a whole number");
		return false;
	}
	*ret_argument = NOT_GIVEN;
	if (value)
		*ret_argument = json_is_integer(value) ? json_integer_value(value) : json_is_true(value);
	return true;
}

static void run_request(struct crew *crew, json_t *request, struct answer *answer)
{
	const struct command *command;
	json_int_t argument;

	if (!json_is_object(request)) {
		refuse(answer, "a request is an object such as {\"command\":\"status\"}");
		return;
	}
	command = find_command(request, answer);
	if (!command || !read_argument(command, request, &argument, answer))
		return;
	if (command->run)
		command->run(crew, argument, answer);
	else
		refuse(answer, "not in this version");
}

static void run_line(struct crew *crew, const char *line, size_t len, struct answer *answer)
{
	json_error_t error;
	json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);

	if (request)
		run_request(crew, request, answer);
	else
		refuse(answer, "not JSON: %.100s", error.text);
	json_decref(request);
}

/* ---- writing the reply ---- */

/* Takes the fields. NULL = no memory. */
static json_t *compose(struct answer *answer)
{
	json_t *reply, *fields = answer->fields;

	if (answer->error[0]) {
		json_decref(fields);
		return json_pack("{s:b, s:i, s:o}", "ok", 0, "version", CONTROL_VERSION, "error",
				 status_tell_text(answer->error));
	}
	reply = json_pack("{s:b, s:i}", "ok", 1, "version", CONTROL_VERSION);
	if (fields && json_object_update(reply, fields) < 0) {
		json_decref(reply);
		reply = NULL;
	}
	json_decref(fields);
	return reply;
}

char *command_print(const json_t *object, size_t *ret_len)
{
	const size_t flags = JSON_COMPACT | JSON_REAL_PRECISION(4);
	size_t len = json_dumpb(object, NULL, 0, flags);
	char *line = len > 0 && len < CONTROL_REPLY_MAX ? malloc(len + 1) : NULL;

	if (!line || json_dumpb(object, line, len, flags) != len) {
		free(line);
		return NULL;
	}
	line[len] = '\n';
	*ret_len = len + 1;
	return line;
}

char *command_run(struct crew *crew, const char *line, size_t len, size_t *ret_len, bool *ret_listens)
{
	struct answer answer = { .fields = NULL };
	json_t *reply;
	char *text;

	run_line(crew, line, len, &answer);
	if (answer.is_short)
		return NULL;
	reply = compose(&answer);
	text = reply ? command_print(reply, ret_len) : NULL;
	*ret_listens = answer.listens;
	json_decref(reply);
	return text;
}
