/* SPDX-License-Identifier: MIT */
/* parent.h - the parent under a fuzzer: nobody is forked, nothing is logged but all of it is formatted */
#pragma once

#include "base/log.h"
#include "bridge/channel.h"
#include "fuzz/wire.h"
#include "parent/child.h"
#include "parent/crew.h"
#include "parent/spawn.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

pid_t spawn_worker(const struct heritage *heritage)
{
	return -EAGAIN;
}

pid_t spawn_helper(const struct config *config, pid_t parent_pid, int mail_fd, _Atomic uint64_t *progress)
{
	return -EAGAIN;
}

void log_line(enum log_level level, const char *format, ...)
{
	char line[LOG_LINE_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
}

void log_about(enum log_level level, const struct log_subject *subject, const char *format, ...)
{
	char line[LOG_LINE_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
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

void log_setup(enum log_format format, enum log_level most)
{
}

uint64_t log_n_lost(void)
{
	return 0;
}
