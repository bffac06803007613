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
#define CLI_ENV_MAX 64
#define CLI_LISTEN_NONE "none"
#define CLI_OPTIONS_MAX 96
#define CLI_ERROR_BYTES 512

/* Where a value comes from; the later is the stronger. */
enum source { FROM_DEFAULT, FROM_FILE, FROM_ENVIRONMENT, FROM_ARGUMENT };

struct origin {
	enum source	source;
	unsigned	line;		/* of the file */
};

struct copy;

/* Which command an option is for. */
enum audience { FOR_BOTH, FOR_SERVE, FOR_RUN };

/* What `brood serve` or `brood run` was asked for: by its arguments, the environment, a file, by default. */
struct serve_options {
	enum audience		command;
	char			**program;	/* behind "--"; NULL-terminated, as argv is; of `brood run` */
	struct brood_options	pool;
	const char		*listen[CLI_LISTEN_MAX];
	size_t			 n_listen;
	const char		*env[CLI_ENV_MAX];
	size_t			 n_env;
	const char		*config;	/* the file; NULL = none */
	uint32_t		 check;
	uint32_t		 help;
	struct origin		 origins[CLI_OPTIONS_MAX];	/* of the rows of option_table */
	struct copy		*copies;	/* of strings that lie nowhere else */
	char			 error[CLI_ERROR_BYTES];	/* what was wrong */
};

struct option;

/* options.c */

/*
 * Reads argv[0] and on (what follows the command), the environment and the file. The strings point into argv, or
 * are copies. To be freed in any case.
 * Return: 0, or BROOD_EXIT_USAGE and .error says why.
 */
int options_read(enum audience command, int argc, char **argv, struct serve_options *ret_options);
void options_free(struct serve_options *options);

/* Writes .error. Return: BROOD_EXIT_USAGE. */
int refuse(struct serve_options *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* assign.c */

/* One source being read; the strongest is read first. */
struct reading {
	struct serve_options	*out;
	struct origin		 origin;
	struct serve_options	 overruled;	/* takes what a stronger source has said otherwise */
};

/* Return: NULL, or what would be allowed, as of option_parse_fn. */
const char *assign(struct reading *reading, const struct option *option, const char *value);
/* The same for text that does not stay; ADDR,ADDR is twice --listen. */
const char *assign_copy(struct reading *reading, const struct option *option, const char *text);
/* --env A=1 --env B=2 as the one string of the pool's. Return: 0 or -ENOMEM. */
int assign_env(struct serve_options *out);

/* environment.c */
#define VARIABLE_BYTES 64
void variable_name(const struct option *option, char out[VARIABLE_BYTES]);
int environment_read(struct serve_options *out);

/* file.c */

/* Reads out->config. Never waits: only a regular file will do. */
int file_read(struct serve_options *out);

/* effective.c */

/* Everything as it is in force, with where it comes from, in the form of a file; on stdout. */
void effective_print(const struct serve_options *options);

/* values.c */

/*
 * typedef option_parse_fn - reads the value of one option into @out.
 * Return: NULL, or what would be allowed: "a number from 1 to 512, or auto" (static, until the next call).
 */
typedef const char *option_parse_fn(const struct option *option, const char *value, struct serve_options *out);

/* One row of the table in table.c. */
struct option {
	const char		*flag;		/* without "--"; NULL: a heading of the help, in .help */
	const char		*form;		/* of its argument; NULL = it takes none */
	option_parse_fn		*parse;
	size_t			 offset;	/* of its field in struct serve_options */
	const char *const	*words;		/* of parse_word, NULL-terminated, in the order of the enum */
	const char		*help;
	enum audience		 only;		/* FOR_BOTH, or the one command that takes it */
};

option_parse_fn parse_count, parse_duration, parse_size, parse_word, parse_string, parse_switch, parse_listen,
	parse_admin, parse_state, parse_restart_limit, parse_backoff, parse_ready, parse_signal, parse_env;

/* A number, word or switch as it would be written; terminated, empty for strings and addresses. */
#define VALUE_TEXT_BYTES 64
void value_format(const struct option *option, const struct serve_options *options, char out[VALUE_TEXT_BYTES]);

/* Its string; NULL when it is unset, or is no string. */
const char *value_string(const struct option *option, const struct serve_options *options);

/* table.c */
extern const struct option option_table[];
extern const size_t option_table_len;

/* NULL when there is none. @len: of @flag. */
const struct option *option_find(const char *flag, size_t len);
/* What @command makes of it. Return: NULL, or what is wrong with that: "an option of brood run, not of brood serve". */
const char *option_refusal(const struct option *option, enum audience command);
/* "serve" or "run" */
const char *command_name(enum audience command);
/* It says where options come from, or what to do with them, and is none of the pool's. */
bool option_is_outside(const struct option *option);
/* The one that was probably meant; NULL = no idea. */
const char *option_suggest(const char *flag);

/* ctl.c */

/* `brood ctl`: argv[0] is its first argument. Return: the exit code. */
int ctl_main(int argc, char **argv);
void ctl_print_help(void);

/* top.c */

/* `brood top`: argv[0] is its first argument. Return: the exit code. */
int top_main(int argc, char **argv);
void top_print_help(void);

/* doctor.c */

/* `brood doctor`: argv[0] is its first argument. Return: the exit code. */
int doctor_main(int argc, char **argv);
void doctor_print_help(void);

/* help.c */
void help_print(void);
void help_print_command(enum audience command);

/* version.c */
void version_print(void);

/* serve.c */

/* `brood serve`: argv[0] is its first argument. Return: the exit code. */
int serve_main(int argc, char **argv);
/* `brood run`, likewise. */
int run_main(int argc, char **argv);

/* run.c */

/*
 * Whether the program could be executed, as far as it can be seen from here. Return: 0, or the exit code and .error
 * says why.
 */
int run_check(struct serve_options *out);

/* complain.c */

/* "brood: ..." on stderr, one line. Return: BROOD_EXIT_USAGE. */
int complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
