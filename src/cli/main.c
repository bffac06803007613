/* SPDX-License-Identifier: MIT */
#include "base/auto.h"
#include "base/suggest.h"
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

static int run_serve(int argc, char **argv)
{
	return serve_main(argc, argv);
}

static int run_run(int argc, char **argv)
{
	return run_main(argc, argv);
}

static int run_ctl(int argc, char **argv)
{
	return ctl_main(argc, argv);
}

static int run_top(int argc, char **argv)
{
	return top_main(argc, argv);
}

static int run_doctor(int argc, char **argv)
{
	return doctor_main(argc, argv);
}

static int run_help(int argc, char **argv)
{
	if (argc == 0)
		help_print();
	else if (argc == 1 && strcmp(argv[0], "serve") == 0)
		help_print_command(FOR_SERVE);
	else if (argc == 1 && strcmp(argv[0], "run") == 0)
		help_print_command(FOR_RUN);
	else if (argc == 1 && strcmp(argv[0], "ctl") == 0)
		ctl_print_help();
	else if (argc == 1 && strcmp(argv[0], "top") == 0)
		top_print_help();
	else if (argc == 1 && strcmp(argv[0], "doctor") == 0)
		doctor_print_help();
	else
		return complain("help is about nothing, or about serve, run, ctl, top or doctor");
	return 0;
}

static int run_version(int argc, char **argv)
{
	if (argc > 0)
		return complain("version takes no argument");
	version_print();
	return 0;
}

struct command {
	const char	*name;
	int		(*run)(int argc, char **argv);
	bool		 is_alias;			/* not worth suggesting */
};

static const struct command commands[] = {
	{ "serve", run_serve, false },
	{ "run", run_run, false },
	{ "ctl", run_ctl, false },
	{ "top", run_top, false },
	{ "doctor", run_doctor, false },
	{ "help", run_help, false },
	{ "version", run_version, false },
	{ "-h", run_help, true },
	{ "--help", run_help, true },
	{ "-V", run_version, true },
	{ "--version", run_version, true },
};

static int refuse_unknown(const char *word)
{
	const char *names[ARRAY_LEN(commands)];
	size_t n_names = 0;
	const char *meant;

	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (!commands[i].is_alias)
			names[n_names++] = commands[i].name;
	meant = suggest_nearest(word, names, n_names);
	if (meant)
		return complain("unknown command %s; did you mean %s?", word, meant);
	return complain("unknown command %s; `brood help` lists them", word);
}

static int run_command(int argc, char **argv)
{
	if (argc < 2)
		return complain("no command; `brood help` lists them");
	for (const struct command *c = commands; c < commands + ARRAY_LEN(commands); c++) {
		if (strcmp(argv[1], c->name) == 0)
			return c->run(argc - 2, argv + 2);
	}
	return refuse_unknown(argv[1]);
}

/* What workers have started and not waited for comes to us when they end, as it does to process 1. */
static void adopt_orphans(void)
{
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
}

int main(int argc, char **argv)
{
	int code;

	adopt_orphans();
	code = run_command(argc, argv);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		complain("cannot write to stdout: %s", strerror(errno));
		return BROOD_EXIT_NOT_STARTED;
	}
	return code;
}
