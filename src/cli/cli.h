/* SPDX-License-Identifier: MIT */
/*
 * cli.h - the program brood(1): a client of brood.h
 *
 * What is wrong with a command line is said in one line on stderr, before there is a log.
 */
#pragma once

#include "brood.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLI_LISTEN_MAX 8

/* What `brood serve` was asked for: by its arguments, by the environment, by default. */
struct serve_options {
	struct brood_options	pool;
	const char		*listen[CLI_LISTEN_MAX];
	size_t			 n_listen;
	bool			 help;
};

/* options.c */

/*
 * Reads argv[0] and on (what follows "serve") over the environment over the defaults.
 * Strings point into argv, the environment, or a list of ours: call it once.
 * Return: 0, or BROOD_EXIT_USAGE and the reason was printed.
 */
int options_parse(int argc, char **argv, struct serve_options *ret_options);

/* values.c */

struct option;

/*
 * typedef option_parse_fn - reads the value of one option into @out.
 * Return: NULL, or what would be allowed: "a number from 1 to 512, or auto" (static, until the next call).
 */
typedef const char *option_parse_fn(const struct option *option, const char *value, struct serve_options *out);

/* One row of the table in table.c. */
struct option {
	const char		*flag;		/* without "--"; NULL: a heading of the help, in .help */
	const char		*form;		/* of its argument; NULL = it takes none */
	option_parse_fn		*parse;		/* NULL = not in this version */
	size_t			 offset;	/* of its field in struct serve_options */
	const char *const	*words;		/* of parse_word, NULL-terminated, in the order of the enum */
	const char		*help;
};

option_parse_fn parse_count, parse_duration, parse_size, parse_word, parse_string, parse_switch, parse_listen,
	parse_restart_limit, parse_backoff;

/* The default as it would be written; terminated, empty when there is none to tell. */
#define DEFAULT_TEXT_BYTES 64
void value_default(const struct option *option, char out[DEFAULT_TEXT_BYTES]);

/* table.c */
extern const struct option option_table[];
extern const size_t option_table_len;

/* NULL when there is none. @len: of @flag. */
const struct option *option_find(const char *flag, size_t len);

/* ctl.c */

/* `brood ctl`: argv[0] is its first argument. Return: the exit code. */
int ctl_main(int argc, char **argv);
void ctl_print_help(void);

/* help.c */
void help_print(void);
void help_print_serve(void);

/* version.c */
void version_print(void);

/* serve.c */

/* `brood serve`: argv[0] is its first argument. Return: the exit code. */
int serve_main(int argc, char **argv);

/* complain.c */

/* "brood: ..." on stderr, one line. Return: BROOD_EXIT_USAGE. */
int complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
