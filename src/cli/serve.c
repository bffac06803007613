/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuse_path(const char *what, const char *path, int error)
{
	complain("cannot serve %s \"%s\": %s", what, path, strerror(error));
	return BROOD_EXIT_NOT_STARTED;
}

static int check_directory(const char *path)
{
	struct stat about;

	if (stat(path, &about) < 0)
		return refuse_path("directory", path, errno);
	if (!S_ISDIR(about.st_mode))
		return refuse_path("directory", path, ENOTDIR);
	if (access(path, R_OK | X_OK) < 0)
		return refuse_path("directory", path, errno);
	return 0;
}

static int check_handler(const char *path)
{
	struct stat about;

	if (stat(path, &about) < 0 || access(path, R_OK) < 0)
		return refuse_path("with handler", path, errno);
	if (S_ISDIR(about.st_mode))
		return refuse_path("with handler", path, EISDIR);
	return 0;
}

/* A slip here would else be told by every worker in turn. The workers check again, as who they are then. */
static int check_paths(const struct brood_options *options)
{
	if (options->root)
		return check_directory(options->root);
	if (options->handler)
		return check_handler(options->handler);
	return 0;
}

static int listen_and_run(struct brood *brood, const struct serve_options *options)
{
	for (size_t i = 0; i < options->n_listen; i++)
		if (brood_listen(brood, options->listen[i]) < 0)
			return BROOD_EXIT_NOT_STARTED;
	return brood_run(brood);
}

int serve_main(int argc, char **argv)
{
	struct serve_options options;
	struct brood *brood;
	int code = options_parse(argc, argv, &options);

	if (code == 0 && options.help) {
		help_print_serve();
		return 0;
	}
	if (code == 0)
		code = check_paths(&options.pool);
	if (code != 0)
		return code;
	switch (brood_create(&options.pool, &brood)) {
	case 0:
		break;
	case -EINVAL:
		return BROOD_EXIT_USAGE;	/* a user or a group there is not; the log says which */
	default:
		return BROOD_EXIT_NOT_STARTED;
	}
	code = listen_and_run(brood, &options);
	brood_destroy(brood);
	return code;
}
