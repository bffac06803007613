/* SPDX-License-Identifier: MIT */
/* obituary - a death in words: how, after how long, and what was lost with it */
#include "parent/obituary.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/units.h"
#include "bridge/channel.h"
#include "parent/child.h"
#include "parent/crew.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct text {
	char	*at;
	size_t	 size;
	size_t	 n;
};

__attribute__((format(printf, 2, 3)))
static void say(struct text *text, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text->at + text->n, text->size - text->n, format, args);
	va_end(args);
	if (n > 0)
		text->n = (size_t)n < text->size - text->n ? text->n + (size_t)n : text->size - 1;
}

void duration_format(uint64_t ms, char out[DURATION_TEXT_BYTES])
{
	if (ms < 1000)
		snprintf(out, DURATION_TEXT_BYTES, "%" PRIu64 " ms", ms);
	else
		snprintf(out, DURATION_TEXT_BYTES, "%" PRIu64 ".%" PRIu64 " s", ms / 1000, ms % 1000 / 100);
}

void obituary_init(const struct crew *crew, const struct child *child, struct obituary *ret_obituary)
{
	const char *why = child->failure[0] ? child->failure : child->overrun ? child->wish : child->killed_for;

	*ret_obituary = (struct obituary){
		.slot = child->slot,
		.generation = child->generation,
		.pid = child->pid,
		.ever_ready = child->ever_ready,
		.lived_ms = crew->now_ms - child->born_ms,
		.served_ms = child->ready_ms ? crew->now_ms - child->ready_ms : 0,
		.in_flight = board_get(&child_row(crew, child)->in_flight),
		.overrun = child->overrun,
		.has_in_flight = !crew->config->guest,
		.exit_code = -1,
		.failed = child->failure[0] != '\0',
	};
	if (why)
		snprintf(ret_obituary->why, sizeof(ret_obituary->why), "%s", why);
}

/* The signals a process dies by of its own doing; the others are sent. */
static bool is_fault(int number)
{
	switch (number) {
	case SIGSEGV: case SIGBUS: case SIGFPE: case SIGILL: case SIGABRT: case SIGSYS: case SIGTRAP:
		return true;
	}
	return false;
}

enum bulletin_death obituary_cause(const struct obituary *o, const struct child *child)
{
	if (o->failed || !o->ever_ready)
		return DEATH_start;
	if (child->hung)
		return DEATH_hang;
	if (child->killed_for)
		return DEATH_killed;
	if (o->exit_code >= 0)
		return DEATH_exit;
	return is_fault(o->signal) ? DEATH_fault : DEATH_signal;
}

static void say_signal(struct text *text, int number)
{
	const char *name = sigabbrev_np(number);

	if (name)
		say(text, "SIG%s", name);
	else
		say(text, "signal %d", number);
}

static void say_request(struct text *text, const char *request)
{
	if (request[0])
		say(text, " serving \"%s\"", request);
}

/* Those whose address the kernel tells. */
static bool has_address(int number)
{
	return number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL;
}

void obituary_add_crash(struct obituary *o, const struct crash_msg *crash)
{
	o->signal = crash->signal;
	o->has_address = has_address(crash->signal);
	o->address = crash->address;
	o->in_flight = crash->in_flight;
	memcpy(o->request, crash->request, sizeof(o->request));
}

void obituary_add_memory(struct obituary *o)
{
	struct memory_limit limit = memory_limit("");
	char bytes[UNITS_TEXT_BYTES];

	if (o->failed)
		return;
	o->out_of_memory = true;
	units_format_size(limit.bytes, bytes);
	if (limit.bytes)
		snprintf(o->why, sizeof(o->why), "%s %s", limit.name, bytes);
	else
		snprintf(o->why, sizeof(o->why), "of the machine, no limit is set");
}

static void say_killer(struct text *text, const struct obituary *o)
{
	if (o->out_of_memory)
		say(text, "the kernel: out of memory");
	else
		say_signal(text, o->signal);
}

static void say_cause(struct text *text, const struct obituary *o)
{
	if (o->failed) {
		say(text, "could not start: %s,", o->why);
		return;
	}
	if (o->exit_code >= 0) {
		say(text, "exited with code %d", o->exit_code);
	} else {
		say(text, is_fault(o->signal) ? "died by " : "killed by ");
		say_killer(text, o);
	}
	if (o->has_address)
		say(text, " at 0x%" PRIx64, o->address);
	if (o->why[0])
		say(text, " (%s)", o->why);
}

void obituary_tell(const struct obituary *o, char *out, size_t size)
{
	struct text text = { out, size, 0 };
	char lived[DURATION_TEXT_BYTES];

	duration_format(o->lived_ms, lived);
	say_cause(&text, o);
	say(&text, " after %s", lived);
	if (!o->ever_ready) {
		say(&text, ", before it was ready");
		return;
	}
	if (!o->has_in_flight)
		return;
	say(&text, ", %" PRIu64 " request%s in flight", o->in_flight, o->in_flight == 1 ? "" : "s");
	if (o->request[0])
		say(&text, ",");
	say_request(&text, o->request);
}

void obituary_tell_briefly(const struct obituary *o, char *out, size_t size)
{
	struct text text = { out, size, 0 };

	if (o->failed) {
		say(&text, "because it could not start: %s", o->why);
	} else if (o->exit_code >= 0) {
		say(&text, "with exit code %d", o->exit_code);
	} else {
		say(&text, "by ");
		say_killer(&text, o);
		if (o->why[0])
			say(&text, " (%s)", o->why);
	}
	say_request(&text, o->request);
}

struct log_subject obituary_subject(const struct obituary *o)
{
	static char cause[64];
	struct text text = { cause, sizeof(cause), 0 };

	if (o->failed)
		say(&text, "could not start");
	else if (o->exit_code >= 0)
		say(&text, "exit code %d", o->exit_code);
	else if (o->why[0])
		say(&text, "%s", o->why);
	else
		say_signal(&text, o->signal);
	return (struct log_subject){
		.slot = slot_number(o->slot),
		.is_task = slot_is_task(o->slot),
		.pid = o->pid,
		.generation = o->generation,
		.cause = cause,
	};
}

void obituary_tell_fault(const struct crash_msg *fault, char *out, size_t size)
{
	struct text text = { out, size, 0 };

	say_signal(&text, fault->signal);
	if (has_address(fault->signal))
		say(&text, " at 0x%" PRIx64, fault->address);
	say_request(&text, fault->request);
}
