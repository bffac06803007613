/* SPDX-License-Identifier: MIT */
/* ctl - `brood ctl`: one command to a running pool */
#include "cli/ctl.h"

#include "base/auto.h"
#include "base/control.h"
#include "base/suggest.h"
#include "base/units.h"
#include "cli/cli.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define WORDS_MOST 3

struct ctl_options {
	const char	*control;	/* NULL = find it */
	const char	*words[WORDS_MOST];
	size_t		 n_words;
	bool		 json;
	bool		 wait;
	bool		 now;
	bool		 help;
};

struct ctl_command {
	const char	*words;		/* as it is given... */
	const char	*name;		/* ...and what it is called in a request */
	const char	*form;		/* of its argument, in brackets when it may be left out; NULL = none */
	const char	*key;
	report_fn	*report;	/* NULL = it is followed */
	task_look_fn	*look;		/* of --wait; NULL = there is nothing to wait for */
	bool		 may_now;
	bool		 asks;		/* and does nothing: it may be said twice */
	bool		 twice;		/* for people: what happens in a moment belongs to it */
	const char	*help;
};

static const struct ctl_command commands[] = {
	{ "status", "status", NULL, NULL, report_status, NULL, false, true, true,
	  "the pool and its workers" },
	{ "scale", "scale", "N", "n", report_scale, wait_scale, false, false, false,
	  "to N workers, losing nothing" },
	{ "reload", "reload", NULL, NULL, report_reload, wait_reload, false, false, false,
	  "replace every worker, as HUP does" },
	{ "reopen", "reopen", NULL, NULL, report_reopen, wait_reopen, false, false, false,
	  "write to new log files, as USR1 does" },
	{ "drain", "drain", "SLOT", "slot", report_drain, NULL, false, false, false,
	  "replace the worker of SLOT, losing nothing" },
	{ "kill", "kill", "SLOT", "slot", report_kill, NULL, false, false, false,
	  "kill the worker of SLOT; replaced as after a crash" },
	{ "stop", "stop", NULL, NULL, report_stop, wait_stop, true, false, false,
	  "drain and end, as TERM does; with --now at once" },
	{ "upgrade", "upgrade", NULL, NULL, report_upgrade, wait_upgrade, false, false, false,
	  "to the program that is there now, as USR2 does" },
	{ "events", "events", NULL, NULL, NULL, NULL, false, false, false,
	  "what happens, a line each, until the pool ends" },
	{ "poison clear", "poison-clear", "[N]", "n", report_poison_clear, NULL, false, false, false,
	  "answer requests N again, or all that were" },
	{ "poison", "poison", NULL, NULL, report_poison, NULL, false, true, false,
	  "requests that kill workers and are answered 503" },
};

#define commands_each(it) \
	for (const struct ctl_command *it = commands; it < commands + ARRAY_LEN(commands); it++)

/* ---- the arguments ---- */

static int read_flag(const char *flag, struct ctl_options *out)
{
	const struct { const char *name; bool *value; } switches[] = {
		{ "--json", &out->json }, { "--wait", &out->wait }, { "--now", &out->now },
		{ "--help", &out->help }, { "-h", &out->help },
	};

	for (size_t i = 0; i < ARRAY_LEN(switches); i++) {
		if (strcmp(flag, switches[i].name) == 0) {
			*switches[i].value = true;
			return 0;
		}
	}
	return complain("unknown option %s; `brood help ctl` lists them", flag);
}

static int read_arguments(int argc, char **argv, struct ctl_options *out)
{
	char **end = argv + argc;
	int code = 0;

	for (char **at = argv; at < end && code == 0; at++) {
		if (strcmp(*at, "--control") == 0 && at + 1 == end)
			code = complain("--control needs a value: --control PATH");
		else if (strcmp(*at, "--control") == 0)
			out->control = *++at;
		else if (strncmp(*at, "--control=", 10) == 0)
			out->control = *at + 10;
		else if (**at == '-')
			code = read_flag(*at, out);
		else if (out->n_words < WORDS_MOST)
			out->words[out->n_words++] = *at;
		else
			code = complain("\"%s\" is one word too many; `brood help ctl` lists what there is", *at);
	}
	return code;
}

static int refuse_unknown(const char *word)
{
	const char *names[ARRAY_LEN(commands)];
	size_t n_names = 0;
	const char *meant;

	commands_each(c)
		names[n_names++] = c->words;
	meant = suggest_nearest(word, names, n_names);
	if (meant)
		return complain("unknown command ctl %s; did you mean %s?", word, meant);
	return complain("unknown command ctl %s; `brood help ctl` lists them", word);
}

/* Return: how many of the words are the command's; 0 = it is another. */
static size_t match(const struct ctl_command *command, const struct ctl_options *options)
{
	const char *space = strchr(command->words, ' ');
	size_t len = space ? (size_t)(space - command->words) : strlen(command->words);
	const char *first = options->words[0];

	if (strlen(first) != len || memcmp(first, command->words, len) != 0)
		return 0;
	if (!space)
		return 1;
	return options->n_words > 1 && strcmp(options->words[1], space + 1) == 0 ? 2 : 0;
}

/* Return: 0 and the request, or BROOD_EXIT_USAGE and the reason was printed. */
static int compose(const struct ctl_command *command, const struct ctl_options *options, size_t n_taken,
		   json_t **ret_request)
{
	const char *argument = n_taken < options->n_words ? options->words[n_taken] : NULL;
	uint64_t n = 0;

	if (options->n_words > n_taken + (command->form != NULL))
		return complain("%s takes no \"%s\"", command->words, options->words[options->n_words - 1]);
	if (command->form && command->form[0] != '[' && !argument)
		return complain("%s needs a number: %s %s", command->words, command->words, command->form);
	if (argument && (units_parse_number(argument, &n) < 0 || n > INT_MAX))
		return complain("%s \"%s\": it must be a whole number", command->words, argument);
	if (options->wait && !command->look)
		return complain("%s has nothing to --wait for", command->words);
	if (options->now && !command->may_now)
		return complain("--now is for stop");
	*ret_request = json_pack("{s:s}", "command", command->name);
	if (argument)
		(void)json_object_set_new(*ret_request, command->key, json_integer((json_int_t)n));
	if (options->now)
		(void)json_object_set_new(*ret_request, "now", json_true());
	return 0;
}

/* ---- the pool ---- */

static int tell_reply(const struct ctl_command *command, const struct ctl_options *options, const json_t *reply)
{
	bool ok = json_is_true(json_object_get(reply, "ok"));

	if (options->json) {
		json_dumpf(reply, stdout, JSON_COMPACT | JSON_REAL_PRECISION(4));
		printf("\n");
	} else if (ok) {
		command->report(reply);
	} else {
		complain("%s: %s", command->words, report_text(reply, "error"));
	}
	return ok ? 0 : 1;
}

/* A pool may change hands just now: who does nothing by asking asks again, whoever has it then. */
static json_t *ask(const struct ctl_command *command, struct talk *talk, json_t *request, const char **ret_why)
{
	json_t *again = command->asks ? json_incref(request) : NULL;
	json_t *reply = talk_ask(talk, request, ret_why);

	if (!reply && again && talk_connect(talk) == 0)
		return talk_ask(talk, again, ret_why);
	json_decref(again);
	return reply;
}

static int run(const struct ctl_command *command, const struct ctl_options *options, struct talk *talk,
	       json_t *request)
{
	const char *why;
	json_t *reply;
	int code;

	if (!command->report) {
		json_decref(request);
		return follow_events(talk, options->json);
	}
	reply = ask(command, talk, request, &why);
	if (!reply) {
		complain("%s: %s", talk->path, why);
		return 1;
	}
	if (command->twice && !options->json && report_is_true(reply, "ok"))
		reply = sample_moment(talk, reply);
	code = tell_reply(command, options, reply);
	if (code == 0 && options->wait) {
		fflush(stdout);
		code = wait_for(talk, reply, command->look);
	}
	json_decref(reply);
	return code;
}

static int run_command(const struct ctl_command *command, const struct ctl_options *options, size_t n_taken)
{
	struct talk talk = { .fd = -1 };
	json_t *request = NULL;
	int code = compose(command, options, n_taken, &request);
	int r;

	if (code != 0)
		return code;
	code = find_control(options->control, talk.path);
	r = code == 0 ? talk_connect(&talk) : 0;
	if (r < 0)
		code = find_complain(talk.path, r);
	if (code == 0)
		code = run(command, options, &talk, request);
	else
		json_decref(request);
	talk_end(&talk);
	return code;
}

/* ---- both ---- */

void ctl_print_help(void)
{
	fputs("usage: brood ctl [--control PATH] [--json] COMMAND\n\n", stdout);
	commands_each(c) {
		char form[48];

		snprintf(form, sizeof(form), "%s%s%s%s%s", c->words, c->form ? " " : "", c->form ? c->form : "",
			 c->may_now ? " [--now]" : "", c->look ? " [--wait]" : "");
		printf("  %-24s %s\n", form, c->help);
	}
	fputs("\nWithout --control or BROOD_CONTROL the only pool that runs is meant; its socket\n"
	      "is PORT.sock in /run/brood (root), $XDG_RUNTIME_DIR/brood or /tmp/brood-UID.\n"
	      "--json prints the reply as it is. A command begins something; --wait waits for\n"
	      "its end, and with it 1 also means that it failed.\n"
	      "Exit codes: 0 done, 1 refused, failed, or no pool, 2 usage.\n", stdout);
}

int ctl_main(int argc, char **argv)
{
	struct ctl_options options = { .control = NULL };
	int code = read_arguments(argc, argv, &options);

	if (options.help) {
		ctl_print_help();
		return 0;
	}
	if (code != 0)
		return code;
	if (options.n_words == 0)
		return complain("ctl needs a command; `brood help ctl` lists them");
	commands_each(c) {
		size_t n_taken = match(c, &options);

		if (n_taken > 0)
			return run_command(c, &options, n_taken);
	}
	return refuse_unknown(options.words[0]);
}
