/* SPDX-License-Identifier: MIT */
#include "world/trace.h"

#include "world/kernel.h"

#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static uint64_t hash;
static bool printing;

void trace_begin(bool printed)
{
	hash = UINT64_C(0xcbf29ce484222325);
	printing = printed;
}

uint64_t trace_hash(void)
{
	return hash;
}

static void mix(uint64_t value)
{
	hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	hash ^= hash >> 29;
}

static void mix_text(const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
}

void trace(const char *what, uint64_t a, uint64_t b, uint64_t c)
{
	mix(world.now_ms);
	mix(a);
	mix(b << 20);
	mix(c << 40);
	mix_text(what);
	if (printing)
		printf("%6" PRIu64 " %7" PRIu64 " ms  %-9s %s %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", world.n_steps,
		       world.now_ms - WORLD_BEGINS_MS, process_name(world.current), what, a, b, c);
}

/* ---- instead of base/log: what the pool says is a part of its trace ---- */

void log_setup(enum log_format format, enum log_level most)
{
}

uint64_t log_n_lost(void)
{
	return 0;
}

int log_open(const char *path)
{
	return 0;
}

int log_replace(int fd)
{
	return 0;
}

void log_settle(void)
{
}

__attribute__((format(printf, 1, 0)))
static void say(const char *format, va_list arguments)
{
	char line[LOG_LINE_BYTES];
	int before = errno;

	vsnprintf(line, sizeof(line), format, arguments);
	mix_text(line);
	if (printing)
		printf("%6" PRIu64 " %7" PRIu64 " ms  %-9s says: %s\n", world.n_steps,
		       world.now_ms - WORLD_BEGINS_MS, process_name(world.current), line);
	errno = before;
}

void log_line(enum log_level level, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(format, arguments);
	va_end(arguments);
}

void log_about(enum log_level level, const struct log_subject *subject, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(format, arguments);
	va_end(arguments);
}
