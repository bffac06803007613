/* SPDX-License-Identifier: MIT */
/* options - from arguments, environment and file to struct serve_options */
#include "base/control.h"
#include "base/protocol.h"
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int refuse(struct serve_options *out, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(out->error, sizeof(out->error), format, arguments);
	va_end(arguments);
	return BROOD_EXIT_USAGE;
}

/* ---- the arguments ---- */

struct arguments {
	char		**next;
	char		**end;
	bool		 no_more_flags;		/* after "--" */
	const char	*directory;		/* the one without a flag */
	struct reading	 reading;
};

static int refuse_unknown(struct serve_options *out, const char *flag, size_t len)
{
	char word[64];
	const char *meant;

	snprintf(word, sizeof(word), "%.*s", (int)len, flag);
	meant = option_suggest(word);
	if (meant)
		return refuse(out, "unknown option --%s; did you mean --%s?", word, meant);
	return refuse(out, "unknown option --%s; `brood %s --help` lists them", word, command_name(out->command));
}

static int read_flag(struct arguments *arguments, const char *flag)
{
	struct serve_options *out = arguments->reading.out;
	size_t len = strcspn(flag, "=");
	const struct option *option = option_find(flag, len);
	const char *value = flag[len] ? flag + len + 1 : NULL;
	const char *allowed;

	if (!option)
		return refuse_unknown(out, flag, len);
	if (option_refusal(option, out->command))
		return refuse(out, "--%s is %s", option->flag, option_refusal(option, out->command));
	if (!option->form) {
		if (value)
			return refuse(out, "--%s takes no value", option->flag);
		value = "1";
	} else if (!value) {
		if (arguments->next == arguments->end)
			return refuse(out, "--%s needs a value: --%s %s", option->flag, option->flag, option->form);
		value = *arguments->next++;
	}
	allowed = assign(&arguments->reading, option, value);
	return allowed ? refuse(out, "--%s \"%s\": it must be %s", option->flag, value, allowed) : 0;
}

static int read_directory(struct arguments *arguments, const char *argument)
{
	struct serve_options *out = arguments->reading.out;

	if (argument[0] == '\0')
		return refuse(out, "DIR is empty");
	if (arguments->directory)
		return refuse(out, "one DIR only, and \"%s\" came before \"%s\"", arguments->directory, argument);
	arguments->directory = argument;
	(void)assign(&arguments->reading, option_find("root", 4), argument);	/* all but empty is allowed */
	return 0;
}

/* All that follows "--". */
static int read_program(struct arguments *arguments)
{
	arguments->reading.out->program = arguments->next;
	arguments->next = arguments->end;
	return 0;
}

static int read_argument(struct arguments *arguments)
{
	bool run = arguments->reading.out->command == FOR_RUN;
	const char *argument = *arguments->next++;

	if (run && strcmp(argument, "--") == 0)
		return read_program(arguments);
	if (run && argument[0] != '-')
		return refuse(arguments->reading.out, "\"%s\" stands before --: brood run [OPTIONS] -- PROG ARG...",
			      argument);
	if (arguments->no_more_flags || argument[0] != '-' || argument[1] == '\0')
		return read_directory(arguments, argument);
	if (strcmp(argument, "--") == 0)
		arguments->no_more_flags = true;
	else if (argument[1] != '-')
		return refuse(arguments->reading.out, "unknown option %s; `brood %s --help` lists them", argument,
			      command_name(arguments->reading.out->command));
	else
		return read_flag(arguments, argument + 2);
	return 0;
}

static int read_arguments(int argc, char **argv, struct serve_options *out)
{
	struct arguments arguments = {
		.next = argv, .end = argv + argc, .reading = { .out = out, .origin = { .source = FROM_ARGUMENT } },
	};
	int code = 0;

	while (code == 0 && arguments.next < arguments.end)
		code = read_argument(&arguments);
	return code;
}

static bool says_help(char **arguments, char **end)
{
	for (; arguments < end && strcmp(*arguments, "--") != 0; arguments++)
		if (strcmp(*arguments, "-h") == 0 || strcmp(*arguments, "--help") == 0)
			return true;
	return false;
}

/* ---- all of them ---- */

static int settle_program(struct serve_options *out)
{
	if (!out->program || !out->program[0] || out->program[0][0] == '\0')
		return refuse(out, "no program: brood run [OPTIONS] -- PROG ARG...");
	for (size_t i = 0; i < out->n_listen && out->n_listen > 1; i++)
		if (strcmp(out->listen[i], CLI_LISTEN_NONE) == 0)
			return refuse(out, "--listen none, and other addresses");
	return assign_env(out) < 0 ? refuse(out, "no memory for --env") : 0;
}

static int settle_answer(struct serve_options *out)
{
	int n_answers = (out->pool.root != NULL) + (out->pool.text != NULL) + (out->pool.handler != NULL);

	if (n_answers > 1)
		return refuse(out, "only one of DIR, --text and --handler can answer");
	if (n_answers == 0)
		out->pool.root = ".";
	return 0;
}

static int check_protocols(struct serve_options *out)
{
	for (size_t i = 0; i < out->n_listen; i++) {
		enum protocol protocol;

		(void)protocol_parse(out->listen[i], &protocol);
		if (protocol == PROTOCOL_HTTP)
			continue;
		if (out->command == FOR_RUN)
			return refuse(out, "--listen %s: what a program speaks is its own: leave \"%s\" out",
				      out->listen[i], protocol_prefix(protocol));
		if (!out->pool.handler)
			return refuse(out, "--listen %s takes --handler: nothing else answers there", out->listen[i]);
	}
	return 0;
}

static int settle(struct serve_options *out)
{
	int code = out->command == FOR_RUN ? settle_program(out) : settle_answer(out);

	if (code == 0)
		code = check_protocols(out);

	if (out->n_listen == 0)
		out->listen[out->n_listen++] = ":8080";
	if (!out->pool.control)
		out->pool.control = CONTROL_AUTO;
	return code;
}

int options_read(enum audience command, int argc, char **argv, struct serve_options *ret_options)
{
	int code;

	*ret_options = (struct serve_options){ .command = command, .pool = BROOD_OPTIONS_INIT };
	if (says_help(argv, argv + argc)) {
		ret_options->help = true;
		return 0;
	}
	code = read_arguments(argc, argv, ret_options);
	if (code == 0)
		code = environment_read(ret_options);
	if (code == 0 && ret_options->config)
		code = file_read(ret_options);
	return code == 0 ? settle(ret_options) : code;
}
