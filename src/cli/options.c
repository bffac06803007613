/* SPDX-License-Identifier: MIT */
/*
 * options - from arguments and environment to struct serve_options
 *
 * An argument is stronger than the environment. What the environment says is checked even so: a value that
 * would be wrong is wrong, whether or not it is used today.
 */
#include "base/auto.h"
#include "base/control.h"
#include "base/suggest.h"
#include "cli/cli.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the environment ---- */

static void name_variable(const struct option *option, char *out, size_t size)
{
	size_t len = (size_t)snprintf(out, size, "BROOD_%s", option->flag);

	for (size_t i = 0; i < len; i++)
		out[i] = out[i] == '-' ? '_' : (char)toupper((unsigned char)out[i]);
}

/* "A,B" is --listen A --listen B. The addresses live as long as the process. */
static const char *parse_list(const struct option *option, const char *value, struct serve_options *out)
{
	static char list[CLI_LISTEN_MAX * 64];
	const char *allowed = NULL;

	if (snprintf(list, sizeof(list), "%s", value) >= (int)sizeof(list))
		return "addresses separated by commas, at most 8";
	for (char *rest = list, *item; !allowed && (item = strsep(&rest, ",")); )
		allowed = option->parse(option, item, out);
	return allowed;
}

static int read_variable(const struct option *option, struct serve_options *out)
{
	char name[64];
	const char *value, *allowed;

	name_variable(option, name, sizeof(name));
	value = getenv(name);
	if (!value)
		return 0;
	if (!option->parse)
		return complain("%s is set: not in this version", name);
	allowed = (option->parse == parse_listen ? parse_list : option->parse)(option, value, out);
	return allowed ? complain("%s is \"%s\": it must be %s", name, value, allowed) : 0;
}

static int read_environment(struct serve_options *out)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < option_table_len; i++)
		if (option_table[i].flag)
			code = read_variable(&option_table[i], out);
	return code;
}

/* ---- the arguments ---- */

struct arguments {
	char	**next;
	char	**end;
	bool	 no_more_flags;		/* after "--" */
};

static int refuse_unknown(const char *flag, size_t len)
{
	const char *names[64];
	size_t n_names = 0;
	char word[64];
	const char *meant;

	for (size_t i = 0; i < option_table_len && n_names < ARRAY_LEN(names); i++)
		if (option_table[i].flag)
			names[n_names++] = option_table[i].flag;
	snprintf(word, sizeof(word), "%.*s", (int)len, flag);
	meant = suggest_nearest(word, names, n_names);
	if (meant)
		return complain("unknown option --%s; did you mean --%s?", word, meant);
	return complain("unknown option --%s; `brood serve --help` lists them", word);
}

static int read_flag(struct arguments *arguments, const char *flag, struct serve_options *out)
{
	size_t len = strcspn(flag, "=");
	const struct option *option = option_find(flag, len);
	const char *value = flag[len] ? flag + len + 1 : NULL;
	const char *allowed;

	if (!option)
		return refuse_unknown(flag, len);
	if (!option->parse)
		return complain("--%s is not in this version", option->flag);
	if (!option->form) {
		if (value)
			return complain("--%s takes no value", option->flag);
		value = "1";
	} else if (!value) {
		if (arguments->next == arguments->end)
			return complain("--%s needs a value: --%s %s", option->flag, option->flag, option->form);
		value = *arguments->next++;
	}
	allowed = option->parse(option, value, out);
	return allowed ? complain("--%s \"%s\": it must be %s", option->flag, value, allowed) : 0;
}

static int read_directory(const char *argument, struct serve_options *out)
{
	if (argument[0] == '\0')
		return complain("DIR is empty");
	if (out->pool.root)
		return complain("one DIR only, and \"%s\" came before \"%s\"", out->pool.root, argument);
	out->pool.root = argument;
	return 0;
}

static int read_argument(struct arguments *arguments, struct serve_options *out)
{
	const char *argument = *arguments->next++;

	if (arguments->no_more_flags || argument[0] != '-' || argument[1] == '\0')
		return read_directory(argument, out);
	if (strcmp(argument, "--") == 0)
		arguments->no_more_flags = true;
	else if (strcmp(argument, "-h") == 0 || strcmp(argument, "--help") == 0)
		out->help = true;
	else if (argument[1] != '-')
		return complain("unknown option %s; `brood serve --help` lists them", argument);
	else
		return read_flag(arguments, argument + 2, out);
	return 0;
}

/* ---- both ---- */

static int count_answers(const struct serve_options *options)
{
	return (options->pool.root != NULL) + (options->pool.text != NULL) + (options->pool.handler != NULL);
}

static bool says_help(char **arguments, char **end)
{
	for (; arguments < end && strcmp(*arguments, "--") != 0; arguments++)
		if (strcmp(*arguments, "-h") == 0 || strcmp(*arguments, "--help") == 0)
			return true;
	return false;
}

/* What answers and where are each taken as a whole: from the arguments when they say anything about it. */
static void prefer_arguments(const struct serve_options *environment, struct serve_options *options)
{
	if (count_answers(options) == 0) {
		options->pool.text = environment->pool.text;
		options->pool.handler = environment->pool.handler;
	}
	if (options->n_listen == 0) {
		memcpy(options->listen, environment->listen, sizeof(options->listen));
		options->n_listen = environment->n_listen;
	}
}

static int settle(struct serve_options *options)
{
	if (count_answers(options) > 1)
		return complain("only one of DIR, --text and --handler can answer");
	if (count_answers(options) == 0)
		options->pool.root = ".";
	if (options->n_listen == 0)
		options->listen[options->n_listen++] = ":8080";
	if (!options->pool.control)
		options->pool.control = CONTROL_AUTO;
	return 0;
}

int options_parse(int argc, char **argv, struct serve_options *ret_options)
{
	struct arguments arguments = { argv, argv + argc, false };
	struct serve_options environment = { .pool = BROOD_OPTIONS_INIT };
	struct serve_options options;
	int code;

	if (says_help(arguments.next, arguments.end)) {
		*ret_options = (struct serve_options){ .help = true };
		return 0;
	}
	code = read_environment(&environment);
	options = environment;
	options.pool.text = options.pool.handler = NULL;
	options.n_listen = 0;
	while (code == 0 && arguments.next < arguments.end)
		code = read_argument(&arguments, &options);
	if (code == 0) {
		prefer_arguments(&environment, &options);
		code = settle(&options);
	}
	if (code == 0)
		*ret_options = options;
	return code;
}
