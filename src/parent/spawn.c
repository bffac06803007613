/* SPDX-License-Identifier: MIT */
/*
 * spawn - a worker process: born, cleaned of everything the parent has, handed to worker_main()
 *
 * The only file of this room that knows the worker, the task process, and the keeper of a program. The child ends
 * with _exit(), because the handlers that the program has registered for its exit are the parent's.
 */
#include "parent/spawn.h"

#include "base/auto.h"
#include "base/log.h"
#include "bridge/channel.h"
#include "bridge/heritage.h"
#include "guest/guest.h"
#include "helper/helper.h"
#include "task/task.h"
#include "worker/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* With the parent gone the worker drains. The parent may be gone before prctl() could be said. */
static int follow_parent(pid_t parent_pid)
{
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0)
		return -errno;
	return getppid() == parent_pid ? 0 : -ESRCH;
}

/*
 * Default, but that nothing meant for the parent may end a newborn before it has handlers of its own: those
 * signals are ignored, and SIGTERM stays blocked, to be found waiting when the worker asks for it.
 */
static int reset_signals(void)
{
	static const int ignored[] = { SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU, SIGPIPE };
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t term;

	for (int number = 1; number < NSIG; number++)
		(void)sigaction(number, &action, NULL);	/* refused for KILL and STOP */
	action.sa_handler = SIG_IGN;
	for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
		(void)sigaction(ignored[i], &action, NULL);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	return sigprocmask(SIG_SETMASK, &term, NULL) < 0 ? -errno : 0;
}

static int empty_stdin(void)
{
	autoclose int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || dup2(fd, STDIN_FILENO) < 0)
		return -errno;
	return 0;
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static int close_gap(int from, int to)
{
	if (from > to)
		return 0;
	return close_range((unsigned)from, (unsigned)to, 0) < 0 ? -errno : 0;
}

/* All from the standard three on but @kept, which is put in order. */
static int close_but(int kept[], size_t n_kept)
{
	int r = 0;

	qsort(kept, n_kept, sizeof(kept[0]), by_number);
	for (size_t i = 1; i < n_kept && r == 0; i++)
		r = close_gap(kept[i - 1] + 1, kept[i] - 1);
	return r < 0 ? r : close_gap(kept[n_kept - 1] + 1, INT_MAX);
}

/*
 * Everything but the standard three, the channels, where connections come from, what tells of them, what is stored.
 */
static int close_others(const struct heritage *h)
{
	int kept[LISTENERS_MAX + 10 + STORED_MOST] = { STDERR_FILENO, h->channel_fd };
	size_t n_kept = 2;

	for (unsigned i = 0; i < h->config->n_listeners; i++)
		if (h->listen_fd[i] >= 0)
			kept[n_kept++] = h->listen_fd[i];
	if (h->queue_fd >= 0)
		kept[n_kept++] = h->queue_fd;
	if (h->inbox_fd >= 0)
		kept[n_kept++] = h->inbox_fd;
	if (h->ticket_fd >= 0)
		kept[n_kept++] = h->ticket_fd;
	if (h->access_fd > STDERR_FILENO)
		kept[n_kept++] = h->access_fd;
	if (h->wake_fd >= 0)
		kept[n_kept++] = h->wake_fd;
	for (unsigned i = 0; i < h->n_stored; i++)
		kept[n_kept++] = h->stored[i].fd;
	if (h->state_fd > STDERR_FILENO)
		kept[n_kept++] = h->state_fd;
	if (h->ask_fd >= 0)
		kept[n_kept++] = h->ask_fd;
	if (h->mail_fd >= 0)
		kept[n_kept++] = h->mail_fd;
	return close_but(kept, n_kept);
}

/*
 * A process group of its own, because Ctrl-C in a terminal signals the whole group: it is for the parent,
 * who drains; a worker that heard it too would drop what it serves.
 */
static int settle_in(const struct heritage *h)
{
	int r = follow_parent(h->parent_pid);

	if (r == 0 && setpgid(0, 0) < 0)
		r = -errno;
	if (r == 0)
		r = empty_stdin();
	log_settle();
	if (r == 0)
		r = close_others(h);
	if (r == 0)
		r = reset_signals();
	return r;
}

static int run_child(const struct heritage *h)
{
	struct failed_msg failed = { { 0 } };
	int r = settle_in(h);

	if (r == 0 && h->is_task)
		return task_main(h);
	if (r == 0)
		return h->config->guest ? guest_main(h) : worker_main(h);
	snprintf(failed.reason, sizeof(failed.reason), "cannot settle in: %s", strerror(-r));
	(void)channel_send(h->channel_fd, CHANNEL_FAILED, &failed, -1);
	return 1;
}

pid_t spawn_worker(const struct heritage *heritage)
{
	pid_t pid = fork();
	int code;

	if (pid < 0)
		return -errno;
	if (pid > 0)
		return pid;
	code = run_child(heritage);
	fflush(NULL);
	_exit(code);
}

static int run_helper(const struct config *config, pid_t parent_pid, int mail_fd, _Atomic uint64_t *progress)
{
	int kept[] = { STDERR_FILENO, mail_fd };
	int r = follow_parent(parent_pid);

	if (r == 0 && setpgid(0, 0) < 0)
		r = -errno;
	if (r == 0)
		r = empty_stdin();
	if (r == 0)
		r = close_but(kept, ARRAY_LEN(kept));
	if (r == 0)
		r = reset_signals();
	return r == 0 ? helper_main(config, mail_fd, progress) : BROOD_EXIT_NOT_STARTED;
}

pid_t spawn_helper(const struct config *config, pid_t parent_pid, int mail_fd, _Atomic uint64_t *progress)
{
	pid_t pid = fork();
	int code;

	if (pid < 0)
		return -errno;
	if (pid > 0)
		return pid;
	code = run_helper(config, parent_pid, mail_fd, progress);
	fflush(NULL);
	_exit(code);
}
