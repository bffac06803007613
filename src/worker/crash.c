/* SPDX-License-Identifier: MIT */
/*
 * crash - faults: the last message of a worker, or with --on-fault contain the end of a request
 *
 * A fault is reported on the channel with what was being answered, before the kernel writes the core,
 * which may take seconds: the parent starts the replacement meanwhile. The handler runs on a stack of its
 * own and does nothing that is not async-signal-safe; then the fault takes its default course.
 *
 * One that is contained goes back to where the request's handler was called (conn/call.c), and the worker asks
 * to be replaced (recycle.c). It must have been raised by the handler itself: a signal that somebody sent, a
 * fault of our own code, of another thread or in a process that the handler forked is none of that.
 */
#include "worker/room.h"

#include "bridge/poison.h"

#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#define STACK_BYTES (64 * 1024)

/*
 * How many a worker contains in its life. It is to be replaced after the first, within milliseconds, but a burst
 * of requests that all fault should cost nobody else anything; and if no replacement comes, this must end.
 */
#define CONTAINED_MOST 512

/* The request line in printable form: it comes from a stranger and goes to a log. */
static void describe_request(char *out, size_t size, const struct brood_request *r)
{
	size_t n = 0;

	if (r && r->head.line.at)
		for (; n < r->head.line.len && n < size - 1; n++)
			out[n] = r->head.line.at[n] >= ' ' && r->head.line.at[n] < 0x7f ? r->head.line.at[n] : '?';
	out[n] = '\0';
}

/* Which it came by: what it says is nobody's business. */
static void describe_stream(char *out, size_t size, const struct brood_stream *s)
{
	static const char what[] = "a stream of address 0";

	memcpy(out, what, sizeof(what) < size ? sizeof(what) : size);
	out[sizeof(what) - 2] += (char)s->listener;
}

static void describe(struct crash_msg *ret_crash, int signal, const siginfo_t *info)
{
	const struct conn_table *conns = &self_get()->conns;
	const struct brood_request *r = conns->current;

	*ret_crash = (struct crash_msg){
		.signal = signal,
		.in_flight = conns->n_busy + (r ? 1 : 0),	/* this one is not counted yet */
		.address = info->si_code > 0 ? (uint64_t)(uintptr_t)info->si_addr : 0,
	};
	if (r && r->head.line.at)
		ret_crash->fingerprint = poison_fingerprint(r->head.line.at, r->head.line.len);
	describe_request(ret_crash->request, sizeof(ret_crash->request), r);
	if (conns->current_stream)
		describe_stream(ret_crash->request, sizeof(ret_crash->request), conns->current_stream);
}

/* By an instruction that faulted, or by abort(). */
static bool is_of_our_own(const siginfo_t *info)
{
	return info->si_code > 0 || (info->si_code == SI_TKILL && info->si_pid == self_get()->pid);
}

static bool is_contained(int signal, const siginfo_t *info)
{
	const struct conn_table *conns = &self_get()->conns;

	return conns->escape && signal != SIGSYS && is_of_our_own(info) && gettid() == self_get()->pid &&
	       conns->counters.faults < CONTAINED_MOST;
}

/* Without its escape, a fault on the way back is the last one. */
static void escape(const ucontext_t *context)
{
	struct conn_table *conns = &self_get()->conns;
	sigjmp_buf *to = conns->escape;

	conns->escape = NULL;
	sigprocmask(SIG_SETMASK, &context->uc_sigmask, NULL);
	siglongjmp(*to, 1);
}

static void die(int number, const siginfo_t *info)
{
	signal(number, SIG_DFL);
	if (info->si_code <= 0)		/* sent by someone: it would not happen again by itself */
		raise(number);
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
	struct crash_msg crash;
	bool contained = is_contained(signal, info);

	if (getpid() == self_get()->pid) {
		describe(&crash, signal, info);
		channel_send(self_get()->heritage->channel_fd, contained ? CHANNEL_FAULT : CHANNEL_CRASH, &crash,
			     -1);
	}
	if (contained)
		escape(context);
	if (getpid() == self_get()->pid)
		access_flush(self_get());
	die(signal, info);
}

bool crash_contains(const struct config *config)
{
	bool theirs = config->handler || config->options.handler ||
		      config_n_speaking(config, PROTOCOL_STREAM) > 0 ||
		      config_n_speaking(config, PROTOCOL_DATAGRAM) > 0;

	return config->options.on_fault == BROOD_FAULT_CONTAIN && theirs;
}

void crash_report_on(void)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS };
	static char stack[STACK_BYTES];
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = {
		.sa_sigaction = on_fault,
		.sa_flags = SA_SIGINFO | SA_ONSTACK,
	};

	sigaltstack(&alternate, NULL);
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		sigaddset(&action.sa_mask, faults[i]);	/* a fault while it is reported is the end at once */
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		sigaction(faults[i], &action, NULL);
}
