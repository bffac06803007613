/* SPDX-License-Identifier: MIT */
/* run - a slip in the name of the program is told before there is a pool; its keeper finds out for itself again */
#include "cli/cli.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuse_program(struct serve_options *out, const char *what, const char *name, const char *why)
{
	refuse(out, "cannot run %s\"%s\": %s", what, name, why);
	return BROOD_EXIT_NOT_STARTED;
}

static int check_directory(struct serve_options *out)
{
	const char *cwd = out->pool.cwd;
	struct stat about;

	if (!cwd)
		return 0;
	if (stat(cwd, &about) < 0)
		return refuse_program(out, "in directory ", cwd, strerror(errno));
	return S_ISDIR(about.st_mode) ? 0 : refuse_program(out, "in directory ", cwd, strerror(ENOTDIR));
}

static bool is_executable(const char *path)
{
	struct stat about;

	if (access(path, X_OK) < 0 || stat(path, &about) < 0)
		return false;
	errno = EACCES;
	return S_ISREG(about.st_mode);
}

static bool is_on(const char *path, const char *name)
{
	char candidate[PATH_MAX];

	while (path) {
		size_t len = strcspn(path, ":");
		int n = snprintf(candidate, sizeof(candidate), "%.*s/%s", (int)len, path, name);

		if (n > 0 && (size_t)n < sizeof(candidate) && is_executable(candidate))
			return true;
		path = path[len] ? path + len + 1 : NULL;
	}
	return false;
}

static bool sets_path(const struct serve_options *out)
{
	for (size_t i = 0; i < out->n_env; i++)
		if (strncmp(out->env[i], "PATH=", 5) == 0)
			return true;
	return false;
}

int run_check(struct serve_options *out)
{
	const char *name = out->program[0], *path = getenv("PATH");
	int code = check_directory(out);

	if (code != 0 || out->pool.shell || strstr(name, "{slot}"))
		return code;
	if (strchr(name, '/'))
		return (name[0] != '/' && out->pool.cwd) || is_executable(name)
			       ? 0 : refuse_program(out, "", name, strerror(errno));
	if (!path || sets_path(out) || is_on(path, name))
		return 0;
	return refuse_program(out, "", name, "it is nowhere on PATH");
}
