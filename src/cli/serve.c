/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct serve {
	enum audience		 command;
	int			 argc;
	char			**argv;
	struct serve_options	 options;
};

static int refuse_path(struct serve_options *out, const char *what, const char *path, int error)
{
	refuse(out, "cannot serve %s \"%s\": %s", what, path, strerror(error));
	return BROOD_EXIT_NOT_STARTED;
}

static int check_directory(struct serve_options *out, const char *path)
{
	struct stat about;

	if (stat(path, &about) < 0)
		return refuse_path(out, "directory", path, errno);
	if (!S_ISDIR(about.st_mode))
		return refuse_path(out, "directory", path, ENOTDIR);
	if (access(path, R_OK | X_OK) < 0)
		return refuse_path(out, "directory", path, errno);
	return 0;
}

static int check_handler(struct serve_options *out, const char *path)
{
	struct stat about;

	if (stat(path, &about) < 0 || access(path, R_OK) < 0)
		return refuse_path(out, "with handler", path, errno);
	if (S_ISDIR(about.st_mode))
		return refuse_path(out, "with handler", path, EISDIR);
	return 0;
}

/* A slip here would else be told by every worker in turn. The workers check again, as who they are then. */
static int check_paths(struct serve_options *out)
{
	if (out->command == FOR_RUN)
		return run_check(out);
	if (out->pool.root)
		return check_directory(out, out->pool.root);
	if (out->pool.handler)
		return check_handler(out, out->pool.handler);
	return 0;
}

static int read_options(const struct serve *serve, struct serve_options *ret_options)
{
	int code = options_read(serve->command, serve->argc, serve->argv, ret_options);

	return code == 0 && !ret_options->help ? check_paths(ret_options) : code;
}

/* ---- reading it all again ---- */

static bool same_addresses(const struct serve_options *a, const struct serve_options *b)
{
	if (a->n_listen != b->n_listen)
		return false;
	for (size_t i = 0; i < a->n_listen; i++)
		if (strcmp(a->listen[i], b->listen[i]) != 0)
			return false;
	return true;
}

/* brood_reload_fn: the arguments and the environment are what they were, the file may have changed. */
static int on_reload(struct brood_options *pool, void *arg)
{
	struct serve *serve = arg;
	struct serve_options again;
	int code = read_options(serve, &again);

	if (code != 0) {
		log_error("reload: %s; nothing is changed", again.error);
		options_free(&again);
		return -EINVAL;
	}
	if (!same_addresses(&serve->options, &again))
		log_warn("reload: listen takes effect at the next start");
	*pool = again.pool;
	options_free(&serve->options);
	serve->options = again;
	return 0;
}

/* ---- serving ---- */

/* Otherwise it is the pool's to say where, because a socket may have been passed to it. */
static bool is_listen_given(const struct serve_options *options)
{
	return options->origins[option_find("listen", strlen("listen")) - option_table].source != FROM_DEFAULT;
}

static int listen_and_run(struct brood *brood, struct serve *serve)
{
	bool asked = is_listen_given(&serve->options) || serve->options.command == FOR_RUN;

	for (size_t i = 0; i < serve->options.n_listen && asked; i++)
		if (strcmp(serve->options.listen[i], CLI_LISTEN_NONE) != 0 &&
		    brood_listen(brood, serve->options.listen[i]) < 0)
			return BROOD_EXIT_NOT_STARTED;
	if (serve->options.config)
		brood_on_reload(brood, on_reload, serve);
	return brood_run(brood);
}

static int serve_or_check(struct serve *serve)
{
	struct brood *brood;
	int r = brood_create(&serve->options.pool, &brood);
	int code = 0;

	if (r == 0 && serve->command == FOR_RUN) {
		r = brood_program(brood, (const char *const *)serve->options.program);
		if (r < 0)
			brood_destroy(brood);
	}
	if (r == -EINVAL || (r < 0 && serve->options.check))
		return BROOD_EXIT_USAGE;	/* a user or a group there is not; the log says which */
	if (r < 0)
		return BROOD_EXIT_NOT_STARTED;
	if (serve->options.check)
		effective_print(&serve->options);
	else
		code = listen_and_run(brood, serve);
	brood_destroy(brood);
	return code;
}

static int start(enum audience command, int argc, char **argv)
{
	struct serve serve = { .command = command, .argc = argc, .argv = argv };
	int code = read_options(&serve, &serve.options);

	if (code != 0) {
		complain("%s", serve.options.error);
		if (serve.options.check)
			code = BROOD_EXIT_USAGE;
	} else if (serve.options.help) {
		help_print_command(command);
	} else {
		code = serve_or_check(&serve);
	}
	options_free(&serve.options);
	return code;
}

int serve_main(int argc, char **argv)
{
	return start(FOR_SERVE, argc, argv);
}

int run_main(int argc, char **argv)
{
	return start(FOR_RUN, argc, argv);
}
