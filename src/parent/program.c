/* SPDX-License-Identifier: MIT */
/*
 * program - what we were started as, to start it anew for an upgrade
 *
 * The name is kept and not the file: whatever stands there when the upgrade comes is started, be it a file that
 * was put in the place of ours or a link that was turned to another. A name under which our own file is not
 * found today (a lie in argv[0], an interpreter) is replaced by the kernel's name for it.
 */
#include "parent/program.h"

#include "base/auto.h"
#include "parent/parent.h"
#include "parent/testament.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct program {
	char	path[PATH_MAX];
	char	*text;		/* the arguments, each terminated, the name first */
	char	**argv;		/* ends with NULL */
};

/* ---- the arguments ---- */

/* Return: a text of *ret_size bytes and a terminator, or NULL and errno. */
static char *read_whole(const char *path, size_t *ret_size)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = NULL;
	size_t size = 0, room = 0;
	ssize_t n = fd < 0 ? -1 : 1;

	while (n > 0) {
		char *larger = realloc(text, room = 2 * room + 4096);

		if (larger)
			text = larger;
		n = larger ? read(fd, text + size, room - size - 1) : -1;
		size += n > 0 ? (size_t)n : 0;
	}
	if (n < 0) {
		free(text);
		return NULL;
	}
	text[size] = '\0';
	*ret_size = size;
	return text;
}

static int learn_arguments(struct program *program)
{
	size_t size, n = 0;

	program->text = read_whole("/proc/self/cmdline", &size);
	if (!program->text)
		return -errno;
	if (size == 0)		/* argv[0] was NULL */
		return -ENOENT;
	program->argv = calloc(size + 1, sizeof(char *));	/* an argument has at least its terminator */
	if (!program->argv)
		return -ENOMEM;
	for (char *at = program->text; at < program->text + size; at += strlen(at) + 1)
		program->argv[n++] = at;
	return 0;
}

/* ---- the path ---- */

static bool is_ourselves(const char *path)
{
	struct stat named, running;

	return stat(path, &named) == 0 && stat("/proc/self/exe", &running) == 0 &&
	       named.st_dev == running.st_dev && named.st_ino == running.st_ino;
}

static bool try_in(const char *directory, size_t len, const char *name, char out[PATH_MAX])
{
	return snprintf(out, PATH_MAX, "%.*s/%s", (int)len, directory, name) < PATH_MAX && is_ourselves(out);
}

static bool find_in_path(const char *name, char out[PATH_MAX])
{
	const char *path = getenv("PATH");

	while (path) {
		size_t len = strcspn(path, ":");

		if (path[0] == '/' && try_in(path, len, name, out))
			return true;
		path = path[len] ? path + len + 1 : NULL;
	}
	return false;
}

static bool find_by_name(const char *name, char out[PATH_MAX])
{
	char here[PATH_MAX];

	if (!strchr(name, '/'))
		return find_in_path(name, out);
	if (name[0] == '/')
		return try_in("", 0, name + 1, out);
	return getcwd(here, sizeof(here)) && try_in(here, strlen(here), name, out);
}

static int learn_path(struct program *program)
{
	ssize_t n;

	if (find_by_name(program->text, program->path))
		return 0;
	n = readlink("/proc/self/exe", program->path, sizeof(program->path) - 1);
	if (n < 0)
		return -errno;
	program->path[n] = '\0';
	return 0;
}

/* ---- its life ---- */

int program_learn(struct program **ret_program)
{
	struct program *program = calloc(1, sizeof(*program));
	int r;

	if (!program)
		return -ENOMEM;
	r = learn_arguments(program);
	if (r == 0)
		r = learn_path(program);
	if (r < 0) {
		program_destroy(program);
		return r;
	}
	*ret_program = program;
	return 0;
}

void program_destroy(struct program *program)
{
	if (!program)
		return;
	free(program->argv);
	free(program->text);
	free(program);
}

const char *program_path(const struct program *program)
{
	return program->path;
}

/* ---- started anew ---- */

static int name_socket(int fd)
{
	char number[16];

	if (fd < 0)
		return 0;
	snprintf(number, sizeof(number), "%d", fd);
	return fcntl(fd, F_SETFD, 0) < 0 || setenv(TAKEOVER_VARIABLE, number, 1) < 0 ? -errno : 0;
}

/* Of all that is open only the standard three and @fd reach it. */
int program_execute(const struct program *program, int fd)
{
	int r;

	if (close_range(STDERR_FILENO + 1, UINT_MAX, CLOSE_RANGE_CLOEXEC) < 0)
		return -errno;
	r = name_socket(fd);
	if (r == 0) {
		execv(program->path, program->argv);
		r = -errno;
	}
	unsetenv(TAKEOVER_VARIABLE);
	return r;
}

static _Noreturn void run_child(const struct program *program, int fd, const sigset_t *mask)
{
	struct testament_failed failed = { .reason = "" };
	int r = sigprocmask(SIG_SETMASK, mask, NULL) < 0 ? -errno : program_execute(program, fd);

	snprintf(failed.reason, sizeof(failed.reason), "cannot execute %.160s: %s", program->path, strerror(-r));
	(void)testament_send(fd, TESTAMENT_FAILED, &failed, NULL, 0);
	_exit(BROOD_EXIT_NOT_STARTED);
}

pid_t program_start(const struct program *program, int fd, const sigset_t *mask)
{
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0)
		run_child(program, fd, mask);
	return pid;
}
