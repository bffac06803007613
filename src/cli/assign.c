/* SPDX-License-Identifier: MIT */
/*
 * assign - one value from one source, unless a stronger source has said otherwise
 *
 * Sources are read from the strongest down, because a file is named by an argument or by the environment. What the
 * weaker ones say is checked even so: a value that would be wrong is wrong, whether or not it is used today.
 *
 * What answers, and where, are each taken as a whole: who says anything about it, says all about it.
 */
#include "base/unix_rights.h"
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct copy {
	struct copy	*next;
	char		 text[];
};

static bool is_answer(const struct option *option)
{
	return option->offset == offsetof(struct serve_options, pool.root) ||
	       option->offset == offsetof(struct serve_options, pool.text) ||
	       option->offset == offsetof(struct serve_options, pool.handler);
}

static struct origin *origin_of(struct serve_options *options, const struct option *option)
{
	return &options->origins[option - option_table];
}

static bool is_overruled(const struct reading *reading, const struct option *option)
{
	enum source strongest = origin_of(reading->out, option)->source;

	for (const struct option *o = option_table; is_answer(option) && o < option_table + option_table_len; o++)
		if (o->flag && is_answer(o) && origin_of(reading->out, o)->source > strongest)
			strongest = origin_of(reading->out, o)->source;
	return strongest > reading->origin.source;
}

const char *assign(struct reading *reading, const struct option *option, const char *value)
{
	bool overruled = is_overruled(reading, option);
	const char *allowed;

	reading->overruled.command = reading->out->command;
	allowed = option->parse(option, value, overruled ? &reading->overruled : reading->out);

	if (!allowed && !overruled)
		*origin_of(reading->out, option) = reading->origin;
	return allowed;
}

static char *copy(struct serve_options *out, const char *text)
{
	size_t size = strlen(text) + 1;
	struct copy *c = malloc(sizeof(*c) + size);

	if (!c)
		return NULL;
	memcpy(c->text, text, size);
	c->next = out->copies;
	out->copies = c;
	return c->text;
}

int assign_env(struct serve_options *out)
{
	size_t size = 1;
	char *text, *at;

	for (size_t i = 0; i < out->n_env; i++)
		size += strlen(out->env[i]) + 1;
	text = calloc(1, size);
	if (!text)
		return -ENOMEM;
	at = text;
	for (size_t i = 0; i < out->n_env; i++)
		at += sprintf(at, "%s%s", i ? "\n" : "", out->env[i]);
	out->pool.env = out->n_env ? copy(out, text) : NULL;
	free(text);
	return out->n_env && !out->pool.env ? -ENOMEM : 0;
}

/* As strsep() at commas, but for those that belong to an address. */
static char *next_address(char **rest)
{
	char *item = *rest, *comma = item ? strchr(item, ',') : NULL;

	while (comma && unix_rights_follow(comma + 1))
		comma = strchr(comma + 1, ',');
	if (comma)
		*comma++ = '\0';
	*rest = comma;
	return item;
}

const char *assign_copy(struct reading *reading, const struct option *option, const char *text)
{
	char *rest = copy(reading->out, text);
	const char *allowed = NULL;
	char *item;

	if (!rest)
		return "shorter: there is no memory for it";
	if (option->parse != parse_listen)
		return assign(reading, option, rest);
	while (!allowed && (item = next_address(&rest))) {
		item += strspn(item, " ");
		item[strcspn(item, " ")] = '\0';
		allowed = assign(reading, option, item);
	}
	return allowed;
}

void options_free(struct serve_options *options)
{
	for (struct copy *c = options->copies, *next; c; c = next) {
		next = c->next;
		free(c);
	}
	options->copies = NULL;
}
