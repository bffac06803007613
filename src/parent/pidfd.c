/* SPDX-License-Identifier: MIT */
/*
 * pidfd - a process that the parent has started: to hear of its end, to signal it, to collect it
 *
 * A pidfd is that process for ever, even where a library in this program collects children that are not its own. Kernels
 * before 5.3, seccomp profiles of their time and valgrind know none; then it is the number, which is the process's until
 * it is collected, and SIGCHLD.
 */
#include "parent/pidfd.h"

#include "base/log.h"
#include "parent/crew.h"
#include "parent/loop.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

int pidfd_watch(struct crew *crew, pid_t pid, uint64_t tag, int *ret_fd)
{
	*ret_fd = pidfd_open(pid, 0);
	if (*ret_fd >= 0)
		return loop_watch(crew, *ret_fd, EPOLLIN, tag);
	if (errno != ENOSYS && errno != EPERM)
		return -errno;
	if (!crew->has_no_pidfds)
		log_info("pidfd_open: %s; the ends of processes are heard of by SIGCHLD", strerror(errno));
	crew->has_no_pidfds = true;
	return 0;
}

void pidfd_kill(int fd, pid_t pid, int number)
{
	/* fails only if it is dead */
	(void)(fd >= 0 ? pidfd_send_signal(fd, number, NULL, 0) : kill(pid, number));
}

bool pidfd_wait(int fd, pid_t pid, siginfo_t *ret_info, int options)
{
	*ret_info = (siginfo_t){ 0 };
	return waitid(fd >= 0 ? P_PIDFD : P_PID, fd >= 0 ? (id_t)fd : (id_t)pid, ret_info, options | WNOHANG) == 0 &&
	       ret_info->si_pid == pid;
}
