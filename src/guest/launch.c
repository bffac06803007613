/* SPDX-License-Identifier: MIT */
/*
 * launch - the program is executed: its sockets from descriptor 3 on, its environment, its signals, its death with ours
 *
 * As sd_listen_fds(3) and sd_notify(3) have it, so that what runs under systemd runs here. What cannot be executed
 * is told back through a pipe that ends with the execution.
 */
#include "guest/room.h"

#include "base/auto.h"
#include "bridge/stored.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/close_range.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST_FD	3	/* SD_LISTEN_FDS_START */
#define OUT_OF_THE_WAY	64
#define SLOT_WORD	"{slot}"

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

/* ---- arguments ---- */

static size_t count_slots(const char *text)
{
	size_t n = 0;

	while ((text = strstr(text, SLOT_WORD))) {
		text += strlen(SLOT_WORD);
		n++;
	}
	return n;
}

/* @text with the number of the slot in each {slot}. */
static char *fill_in(const struct birth *b, const char *text)
{
	char *out = malloc(strlen(text) + count_slots(text) * 12 + 1), *at = out;
	const char *next;

	if (!out)
		fail(b, "no memory for", text);
	for (; (next = strstr(text, SLOT_WORD)); text = next + strlen(SLOT_WORD)) {
		at = mempcpy(at, text, (size_t)(next - text));
		at += sprintf(at, "%u", b->k->heritage->slot);
	}
	memcpy(at, text, strlen(text) + 1);
	return out;
}

/* As one command for the shell. */
static char *join(const struct birth *b, char *const words[])
{
	size_t size = 1;
	char *out;

	for (char *const *w = words; *w; w++)
		size += strlen(*w) + 1;
	out = calloc(1, size);
	if (!out)
		fail(b, "no memory for", words[0]);
	for (char *const *w = words; *w; w++) {
		strcat(out, w == words ? "" : " ");
		strcat(out, *w);
	}
	return out;
}

static char **compose_arguments(const struct birth *b)
{
	char *const *guest = b->k->config->guest;
	char **argv;
	size_t n = 0;

	while (guest[n])
		n++;
	argv = calloc(n + 4, sizeof(*argv));
	if (!argv)
		fail(b, "no memory for", guest[0]);
	for (size_t i = 0; i < n; i++)
		argv[i] = fill_in(b, guest[i]);
	if (!b->k->config->options.shell)
		return argv;
	argv[2] = join(b, argv);
	argv[0] = (char *)"/bin/sh";
	argv[1] = (char *)"-c";
	argv[3] = NULL;
	return argv;
}

/* ---- environment ---- */

static void set(const struct birth *b, const char *name, const char *value)
{
	if (setenv(name, value, 1) < 0)
		fail(b, "cannot set", name);
}

static void set_number(const struct birth *b, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	set(b, name, text);
}

static void set_listeners(const struct birth *b)
{
	const struct config *config = b->k->config;
	const struct heritage *h = b->k->heritage;
	char names[LISTENERS_MAX * 6 + STORED_MOST * (STORED_NAME_BYTES + 1) + 1] = "";
	size_t len = 0;

	for (unsigned i = 0; i < config->n_listeners; i++)
		len += (size_t)sprintf(names + len, "%s%u", i ? ":" : "", address_port(&config->listen[i]));
	for (unsigned i = 0; i < h->n_stored; i++)
		len += (size_t)sprintf(names + len, "%s%s", len ? ":" : "", h->stored[i].name);
	if (len == 0)
		return;
	set_number(b, "LISTEN_PID", (uint64_t)getpid());
	set_number(b, "LISTEN_FDS", config->n_listeners + h->n_stored);
	set(b, "LISTEN_FDNAMES", names);
}

/* Lines of NAME=value, as they were checked. */
static void set_more(const struct birth *b)
{
	const char *env = b->k->config->options.env;
	char *lines = fill_in(b, env ? env : "");
	char *line;

	while ((line = strsep(&lines, "\n"))) {
		char *equals = strchr(line, '=');

		if (!equals)
			continue;
		*equals = '\0';
		set(b, line, equals + 1);
	}
}

static void compose_environment(const struct birth *b)
{
	static const char *const ours[] = {
		"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC",
		"BROOD_UPGRADE_FD",
	};
	const struct brood_options *o = &b->k->config->options;

	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		unsetenv(ours[i]);
	set(b, "NOTIFY_SOCKET", b->k->notify_name);
	if (o->hang_timeout_ms != BROOD_OFF) {
		set_number(b, "WATCHDOG_PID", (uint64_t)getpid());
		set_number(b, "WATCHDOG_USEC", (uint64_t)o->hang_timeout_ms * 1000);
	}
	set_listeners(b);
	set_number(b, "BROOD_SLOT", b->k->heritage->slot);
	set_number(b, "BROOD_GENERATION", b->k->heritage->generation);
	set_more(b);
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
	int fds[LISTENERS_MAX + STORED_MOST];

	b->report_fd = fcntl(b->report_fd, F_DUPFD_CLOEXEC, OUT_OF_THE_WAY);
	for (unsigned i = 0; i < n_listeners; i++)
		fds[i] = fcntl(b->k->listen_fd[i], F_DUPFD_CLOEXEC, OUT_OF_THE_WAY);
	for (unsigned i = 0; i < h->n_stored; i++)
		fds[n_listeners + i] = fcntl(h->stored[i].fd, F_DUPFD_CLOEXEC, OUT_OF_THE_WAY);
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
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		(void)sigaction(number, &action, NULL);	/* refused for KILL and STOP */
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void become_program(struct birth *b)
{
	const char *cwd = b->k->config->options.cwd;
	char **argv = compose_arguments(b);

	follow_keeper(b);
	compose_environment(b);
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
