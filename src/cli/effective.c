/* SPDX-License-Identifier: MIT */
#include "base/text.h"
#include "cli/cli.h"

#include <stdio.h>

#define LINE_BYTES 4096

static void print_line(const char *name, const char *value, const char *why)
{
	char line[LINE_BYTES], safe[LINE_BYTES];
	int len;

	snprintf(line, sizeof(line), "%s = %s", name, value);
	len = (int)text_escape(line, TEXT_PLAIN, safe, sizeof(safe));
	printf("%.*s%*s ; ", len, safe, len < 40 ? 40 - len : 0, "");
	len = (int)text_escape(why, TEXT_PLAIN, safe, sizeof(safe));
	printf("%.*s\n", len, safe);
}

static void tell_origin(const struct serve_options *options, const struct option *option, char *out, size_t size)
{
	const struct origin *origin = &options->origins[option - option_table];
	char variable[VARIABLE_BYTES];

	switch (origin->source) {
	case FROM_DEFAULT:
		snprintf(out, size, "default");
		break;
	case FROM_FILE:
		snprintf(out, size, "%s:%u", options->config, origin->line);
		break;
	case FROM_ENVIRONMENT:
		variable_name(option, variable);
		snprintf(out, size, "%s", variable);
		break;
	case FROM_ARGUMENT:
		snprintf(out, size, "--%s", option->flag);	/* --root may have been DIR */
		break;
	}
}

static void print_option(const struct serve_options *options, const struct option *option)
{
	const char *string = value_string(option, options);
	char value[VALUE_TEXT_BYTES], why[LINE_BYTES];

	tell_origin(options, option, why, sizeof(why));
	value_format(option, options, value);
	if (option->parse == parse_listen)
		for (size_t i = 0; i < options->n_listen; i++)
			print_line(option->flag, options->listen[i], why);
	else if (option->parse == parse_env && options->n_env > 0)
		for (size_t i = 0; i < options->n_env; i++)
			print_line(option->flag, options->env[i], why);
	else if (string || value[0])
		print_line(option->flag, string ? string : value, why);
	else
		printf("; %s is not set\n", option->flag);
}

void effective_print(const struct serve_options *options)
{
	for (const struct option *o = option_table; o < option_table + option_table_len; o++)
		if (o->flag && !option_refusal(o, options->command) && !option_is_outside(o))
			print_option(options, o);
}
