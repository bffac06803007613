/* SPDX-License-Identifier: MIT */
/*
 * log - one line per event, to stderr, as text or JSON
 *
 * Only parent/, worker/worker.c, brood.c and cli/ write errors here; the other rooms return them.
 * A line names who, what, why, and what happens next. It is written with one write(2) of at most
 * LOG_LINE_BYTES; where stderr would block (a full pipe) the line is dropped and counted, and the next
 * line that fits is preceded by how many were lost.
 */
#pragma once

#include <stdint.h>

#define LOG_LINE_BYTES 1024

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON };

void log_setup(enum log_format format, enum log_level most);
uint64_t log_n_lost(void);

void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)	log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)	log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...)	log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...)	log_line(LOG_DEBUG, __VA_ARGS__)
