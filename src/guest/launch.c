/* SPDX-License-Identifier: MIT */
/*
 * launch - the program is executed: its sockets from descriptor 3 on, its environment, its signals, its death with
 * ours
 *
 * As sd_listen_fds(3) and sd_notify(3) have it, so that what runs under systemd runs here. What cannot be executed
 * is told back through a pipe that ends with the execution.
 */
#include "guest/room.h"

#include "bridge/pin.h"
#include "bridge/stored.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FIRST_FD	3	/* SD_LISTEN_FDS_START */
#define OUT_OF_THE_WAY	64

struct failure {
	int	error;
	char	what[200];
};

/* In the child. */
struct birth {
	const struct keeper	*k;
	pid_t			 keeper_pid;
	int			 report_fd;
	int			 output_fd[2];	/* -1 = as it is */
};

static _Noreturn void fail(const struct birth *b, const char *what, const char *name)
{
	struct failure failure = { .error = errno };

	snprintf(failure.what, sizeof(failure.what), "%s %s", what, name);
	(void)!write(b->report_fd, &failure, sizeof(failure));
	_exit(127);
}

/* ---- descriptors ---- */

static void place_output(const struct birth *b)
{
	for (int i = 0; i < 2; i++)
		if (b->output_fd[i] >= 0 && dup2(b->output_fd[i], STDOUT_FILENO + i) < 0)
			fail(b, "cannot place", "its output");
}

/* First out of the way of each other. */
static void place_sockets(struct birth *b)
{
	const struct heritage *h = b->k->heritage;
	unsigned n_listeners = b->k->config->n_listeners, n = n_listeners + h->n_stored;
	int fds[LISTENERS_MAX + STORED_MOST + 1];

	b->report_fd = fcntl(b->report_fd, F_DUPFD_CLOEXEC, OUT_OF_THE_WAY);
	for (unsigned i = 0; i < n_listeners; i++)
		fds[i] = fcntl(b->k->listen_fd[i], F_DUPFD_CLOEXEC, OUT_OF_THE_WAY);
	for (unsigned i = 0; i < h->n_stored; i++)
		fds[n_listeners + i] = fcntl(h->stored[i].fd, F_DUPFD_CLOEXEC, OUT_OF_THE_WAY);
	fds[n++] = fcntl(b->k->talk.program_fd, F_DUPFD_CLOEXEC, OUT_OF_THE_WAY);	/* BROOD_CHANNEL_FD */
	for (unsigned i = 0; i < n; i++)
		if (fds[i] < 0 || dup2(fds[i], FIRST_FD + (int)i) < 0)
			fail(b, "cannot place", "its sockets");
	(void)close_range(FIRST_FD + n, UINT_MAX, CLOSE_RANGE_CLOEXEC);	/* they are so already */
}

/* ---- the child ---- */

/* The keeper's death is the program's, whatever it is doing. */
static void follow_keeper(const struct birth *b)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != b->keeper_pid)
		_exit(127);
}

static void reset_signals(void)
{
	static const uint64_t by_default[4];	/* the kernel's struct sigaction: SIG_DFL */
	sigset_t none;

	/* Of the kernel itself, because libc refuses two that it uses; refused for KILL and STOP. */
	for (int number = 1; number < NSIG; number++)
		(void)syscall(SYS_rt_sigaction, number, by_default, NULL, NSIG / 8);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void become_program(struct birth *b)
{
	const char *cwd = b->k->config->options.cwd;
	char **argv = compose_arguments(b->k);

	follow_keeper(b);
	pin_to_cpu(b->k->heritage);	/* and not the keeper, which has to get a turn beside it */
	if (!argv || !argv[0] || compose_environment(b->k) != 0)
		fail(b, "no memory for", "its words and its environment");
	place_output(b);
	place_sockets(b);
	if (cwd && chdir(cwd) < 0)
		fail(b, "cannot enter", cwd);
	reset_signals();
	execvp(argv[0], argv);
	fail(b, "cannot execute", argv[0]);
}

/* ---- the keeper ---- */

/* Return: 0 or -errno. */
static int open_output(struct keeper *k, int ret_fds[2])
{
	static const char *const names[2] = { "stdout", "stderr" };

	for (int i = 0; i < 2; i++) {
		int fd = -1;

		if (k->config->options.stdio == BROOD_STDIO_NULL)
			fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
		else if (k->config->options.stdio == BROOD_STDIO_LOG)
			fd = output_open(&k->output[i], names[i]);
		else
			continue;
		if (fd < 0)
			return -errno;
		ret_fds[i] = fd;
	}
	return 0;
}

/* Waits for the execution. Return: 0, or -1 and what failed. */
static int read_report(int fd, char *why, size_t size)
{
	struct failure failure;
	ssize_t n;

	do
		n = read(fd, &failure, sizeof(failure));
	while (n < 0 && errno == EINTR);
	if (n != sizeof(failure))
		return 0;
	failure.what[sizeof(failure.what) - 1] = '\0';
	snprintf(why, size, "%s: %s", failure.what, strerror(failure.error));
	return -1;
}

static int give_birth(struct keeper *k, struct birth *b, int report_fd, char *why, size_t size)
{
	pid_t pid = fork();

	if (pid == 0)
		become_program(b);
	close(b->report_fd);
	b->report_fd = -1;
	if (pid < 0) {
		snprintf(why, size, "fork: %m");
		return -1;
	}
	k->pid = pid;
	return read_report(report_fd, why, size);
}

int launch(struct keeper *k, char *why, size_t size)
{
	struct birth b = { .k = k, .keeper_pid = getpid(), .report_fd = -1, .output_fd = { -1, -1 } };
	int ends[2] = { -1, -1 };
	int r = -1;

	if (open_output(k, b.output_fd) < 0 || pipe2(ends, O_CLOEXEC) < 0) {
		snprintf(why, size, "descriptors of the program: %m");
	} else {
		b.report_fd = ends[1];
		r = give_birth(k, &b, ends[0], why, size);
	}
	for (int i = 0; i < 2; i++)
		if (b.output_fd[i] >= 0)
			close(b.output_fd[i]);
	if (ends[0] >= 0)
		close(ends[0]);
	return r;
}
