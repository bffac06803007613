/* SPDX-License-Identifier: MIT */
/*
 * crash - the last words of a task process that faults
 *
 * The parent is told by which task, and starts the next process while the kernel writes the core. Runs on a stack
 * of its own, and is async-signal-safe.
 */
#include "task/task.h"

#include "base/auto.h"
#include "bridge/channel.h"
#include "bridge/heritage.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#define STACK_BYTES (64 * 1024)

static struct {
	int	channel_fd;
	pid_t	pid;
} self;

static void describe(struct crash_msg *ret_crash, int number, const siginfo_t *info)
{
	static const char prefix[] = "task ";
	const char *name = run_name();
	size_t len = name ? strnlen(name, TASK_NAME_BYTES) : 0;

	*ret_crash = (struct crash_msg){
		.signal = number, .in_flight = name != NULL,
		.address = info->si_code > 0 ? (uint64_t)(uintptr_t)info->si_addr : 0,
	};
	if (!name)
		return;
	memcpy(ret_crash->request, prefix, sizeof(prefix));
	memcpy(ret_crash->request + sizeof(prefix) - 1, name, len);
	ret_crash->request[sizeof(prefix) - 1 + len] = '\0';
}

static void on_fault(int number, siginfo_t *info, void *context)
{
	struct crash_msg crash;

	if (getpid() == self.pid) {
		describe(&crash, number, info);
		(void)channel_send(self.channel_fd, CHANNEL_CRASH, &crash, -1);
	}
	signal(number, SIG_DFL);
	if (info->si_code <= 0)		/* sent by someone: it would not happen again by itself */
		raise(number);
}

void task_crash_report_on(const struct heritage *heritage)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS };
	static char stack[STACK_BYTES];
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	self.channel_fd = heritage->channel_fd;
	self.pid = getpid();
	sigaltstack(&alternate, NULL);
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < ARRAY_LEN(faults); i++)
		sigaddset(&action.sa_mask, faults[i]);
	for (size_t i = 0; i < ARRAY_LEN(faults); i++)
		sigaction(faults[i], &action, NULL);
}
