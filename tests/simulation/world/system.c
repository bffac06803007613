/* SPDX-License-Identifier: MIT */
/* system - the calls that are left: who am I, what time is it, and files */
#include "world/kernel.h"

#include "world/cover.h"
#include "world/handler.h"

#include "balance/least.h"
#include "bridge/heritage.h"
#include "engine/engine.h"
#include "worker/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* ---- who and when ---- */

CALL(int, clock_gettime, clockid_t clock, struct timespec *now)
{
	*now = (struct timespec){
		.tv_sec = (time_t)(world.now_ms / 1000), .tv_nsec = (long)(world.now_ms % 1000) * 1000000,
	};
	return 0;
}

CALL(pid_t, getpid, void)
{
	return world.current->pid;
}

CALL(pid_t, gettid, void)
{
	return world.current->pid;
}

CALL(pid_t, getppid, void)
{
	return world.current->parent_pid;
}

CALL(ssize_t, getrandom, void *to, size_t n, unsigned flags)
{
	uint64_t bits = chance_bits();

	memcpy(to, &bits, n);
	return (ssize_t)n;
}

CALL(int, getrlimit, int resource, struct rlimit *limit)
{
	limit->rlim_cur = limit->rlim_max = FDS_MOST;
	return 0;
}

CALL(int, setrlimit, int resource, const struct rlimit *limit)
{
	return 0;
}

/* A machine of four CPUs, on which nobody is bound to one. */
CALL(int, sched_getaffinity, pid_t pid, size_t bytes, cpu_set_t *set)
{
	CPU_ZERO_S(bytes, set);
	for (int cpu = 0; cpu < 4; cpu++)
		CPU_SET_S(cpu, bytes, set);
	return 0;
}

CALL(int, sched_setaffinity, pid_t pid, size_t bytes, const cpu_set_t *set)
{
	return 0;
}

/* This kernel runs no eBPF; what it would choose is weighed instead. */
CALL(int, least_create, struct least **ret_least, char *why, size_t size)
{
	snprintf(why, size, "needs CAP_BPF and CAP_PERFMON");
	return -EPERM;
}

CALL(int, prctl, int option, ...)
{
	return 0;
}

CALL(sighandler_t, signal, int number, sighandler_t action)
{
	return SIG_DFL;
}

CALL(int, sigaltstack, const stack_t *stack, stack_t *before)
{
	return 0;
}

CALL(int, sigprocmask, int how, const sigset_t *set, sigset_t *before)
{
	return 0;
}

/* ---- files ---- */

static const struct file_ops plain_ops = { NULL, NULL, NULL, NULL };

CALL(int, open, const char *path, int flags, ...)
{
	struct file *f;

	if (strcmp(path, "/dev/null") != 0 && strcmp(path, "/proc/self/statm") != 0 &&
	    strcmp(path, PATTERN_PATH) != 0) {
		errno = ENOENT;
		return -1;
	}
	f = file_create(sizeof(*f), FILE_PLAIN, &plain_ops);
	return file_install(world.current, f);
}

/* Of statm: a process that grows. */
CALL(ssize_t, pread, int fd, void *to, size_t n, off_t offset)
{
	return snprintf(to, n, "9999 %u 0", (unsigned)chance_below(1200));
}

CALL(ssize_t, sendfile, int fd, int file_fd, off_t *offset, size_t n)
{
	const struct stream *s = (const struct stream *)file_at(world.current, fd);
	char bytes[ROOM_MOST];
	ssize_t r;

	if (chance_of(FAULT_FILE_ERROR)) {
		s->connection->spoiled = true;
		errno = EIO;
		return -1;
	}
	if (n > sizeof(bytes))
		n = sizeof(bytes);
	pattern_fill(bytes, (uint64_t)*offset, n);
	r = tcp_send(s->connection, OURS, bytes, n);
	if (r < 0)
		errno = (int)-r;
	else
		*offset += r;
	return r < 0 ? -1 : r;
}

static ssize_t result_of(ssize_t r)
{
	if (r >= 0)
		return r;
	errno = (int)-r;
	return -1;
}

/* As the engine on epoll receives; its buffer is larger than what can have arrived. */
CALL(ssize_t, __recv_chk, int fd, void *to, size_t n, size_t size, int flags)
{
	const struct stream *s = (const struct stream *)file_at(world.current, fd);

	if (chance_of(FAULT_RECV_ERROR)) {
		s->connection->spoiled = true;
		return result_of(-ETIMEDOUT);
	}
	return result_of(tcp_receive(s->connection, OURS, to, n));
}

CALL(ssize_t, recv, int fd, void *to, size_t n, int flags)
{
	return __wrap___recv_chk(fd, to, n, n, flags);
}

/* ---- sleep ---- */

static bool poll_is_ready(struct process *p)
{
	return file_writable(p->waits_for);
}

/* For room in a channel. */
CALL(int, poll, struct pollfd *fds, nfds_t n, int timeout)
{
	struct file *f = file_at(world.current, fds->fd);

	holds(n == 1 && fds->events == POLLOUT && world.current->pid != world.parent_pid,
	      "the parent sleeps in poll()");
	process_wait(poll_is_ready, f, world.now_ms + (unsigned)timeout);
	return file_writable(f);
}

/* ---- instead of fork ---- */

static int worker_process(struct process *p)
{
	return worker_main(p->arg);
}

static void inherit(struct process *p, int fd)
{
	if (fd < 0)
		return;
	p->fds[fd] = file_at(world.current, fd);
	file_take(p->fds[fd]);
}

CALL(pid_t, spawn_worker, const struct heritage *heritage)
{
	struct process *p;

	if (world.crew->was_ready && chance_of(FAULT_NO_FORK))
		return -EAGAIN;
	p = process_create(worker_process, NULL);
	if (world.crew->was_ready && chance_of(FAULT_IMPOSTOR)) {
		p->main = impostor_main;
		p->impostor = world.treacherous = true;
	}
	p->heritage = *heritage;
	p->config = *heritage->config;
	p->heritage.config = &p->config;
	p->arg = &p->heritage;
	inherit(p, heritage->channel_fd);
	inherit(p, heritage->mail_fd);
	inherit(p, heritage->queue_fd);
	inherit(p, heritage->inbox_fd);
	inherit(p, heritage->wake_fd);
	inherit(p, heritage->ask_fd);
	for (unsigned i = 0; i < LISTENERS_MAX; i++)
		inherit(p, heritage->listen_fd[i]);
	cover_count(&cover->births);
	return p->pid;
}
