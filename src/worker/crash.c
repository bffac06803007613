/* SPDX-License-Identifier: MIT */
/*
 * crash - the last message
 *
 * A fault is reported on the channel with what was being answered, before the kernel writes the core,
 * which may take seconds: the parent starts the replacement meanwhile. The handler runs on a stack of its
 * own and does nothing that is not async-signal-safe; then the fault takes its default course.
 */
#include "worker/room.h"

#include "bridge/poison.h"

#include <signal.h>

#define STACK_BYTES (64 * 1024)

static struct worker *reporter;

/* The request line in printable form: it comes from a stranger and goes to a log. */
static void describe_request(char *out, size_t size, const struct brood_request *r)
{
	size_t n = 0;

	if (r && r->head.line.at)
		for (; n < r->head.line.len && n < size - 1; n++)
			out[n] = r->head.line.at[n] >= ' ' && r->head.line.at[n] < 0x7f ? r->head.line.at[n] : '?';
	out[n] = '\0';
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
	struct crash_msg crash = {
		.signal = signal,
		.in_flight = reporter->conns.n_busy + 1,	/* the one in the handler is not counted yet */
		.address = info->si_code > 0 ? (uint64_t)(uintptr_t)info->si_addr : 0,
	};
	const struct brood_request *r = reporter->conns.current;

	if (!r)
		crash.in_flight--;
	else if (r->head.line.at)
		crash.fingerprint = poison_fingerprint(r->head.line.at, r->head.line.len);
	describe_request(crash.request, sizeof(crash.request), r);
	channel_send(reporter->heritage->channel_fd, CHANNEL_CRASH, &crash, -1);
	if (info->si_code <= 0)		/* sent by someone: it would not happen again by itself */
		raise(signal);
}

void crash_report_on(struct worker *w)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS };
	static char stack[STACK_BYTES];
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = {
		.sa_sigaction = on_fault,
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND,
	};

	reporter = w;
	sigaltstack(&alternate, NULL);
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		sigaction(faults[i], &action, NULL);
}
