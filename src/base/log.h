/* SPDX-License-Identifier: MIT */
/*
 * log - one line per event, to stderr or to a file in its place, as text or JSON
 *
 * Only parent/, worker/worker.c, brood.c and cli/ write errors here; the other rooms return them.
 * A line names who, what, why, and what happens next. It is written with one write(2) of at most
 * LOG_LINE_BYTES; where stderr would block (a full pipe) the line is dropped and counted, and the next
 * line that fits is preceded by how many were lost.
 *
 * On a terminal the level has a colour, unless NO_COLOR is set. Where stderr is the journal's (JOURNAL_STREAM,
 * systemd.exec(5)) a line begins with its priority, "<6>", and text has no time and no level, because the journal
 * has both.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define LOG_LINE_BYTES 1024

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON };

/*
 * The worker, or the task process, a line is about: fields of its own in JSON, while text has them in the message.
 */
struct log_subject {
	unsigned	 slot;
	bool		 is_task;	/* it is that of a task process, which are numbered by themselves */
	pid_t		 pid;
	uint32_t	 generation;
	const char	*cause;		/* in a word or two, "SIGSEGV"; NULL = the event has none */
};

/* Looks at what stderr is, too. */
void log_setup(enum log_format format, enum log_level most);
uint64_t log_n_lost(void);

/*
 * Has @fd take the place of stderr, for everything that this process writes there; @fd stays the caller's.
 * Return: 0 or -errno.
 */
int log_replace(int fd);

/*
 * The same for the file @path (write_open()). Until log_settle() errors are told to the stderr before as well:
 * whoever starts a pool sees why it does not. Return: 0 or -errno.
 */
int log_open(const char *path);
void log_settle(void);

void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_about(enum log_level level, const struct log_subject *subject, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define log_error(...)	log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)	log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...)	log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...)	log_line(LOG_DEBUG, __VA_ARGS__)
