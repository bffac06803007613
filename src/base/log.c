/* SPDX-License-Identifier: MIT */
#include "base/log.h"
#include "base/stamp.h"
#include "base/text.h"
#include "base/write.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUBJECT_BYTES 192

static const char *const level_names[] = { "error", "warn", "info", "debug" };
static const char *const level_colours[] = { "\033[31m", "\033[33m", "", "\033[2m" };
static const char level_priorities[] = "3467";		/* sd-daemon(3) */

/* The only state of its kind: there is one stderr, and what must be said must not need a pointer. */
static struct {
	enum log_format	format;
	enum log_level	most;
	bool		coloured;
	bool		journal;
	int		first_fd;	/* the stderr before log_open(); -1 = it is told nothing */
	uint64_t	n_lost;
	uint64_t	n_told;		/* of the lost, how many a line has told */
} self = { .most = LOG_INFO, .first_fd = -1 };

/* ---- what stderr is ---- */

static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat about;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(STDERR_FILENO, &about) == 0 &&
	       about.st_dev == device && about.st_ino == inode;
}

static bool is_colourful(void)
{
	const char *no_colour = getenv("NO_COLOR"), *terminal = getenv("TERM");

	return isatty(STDERR_FILENO) && !(no_colour && *no_colour) && !(terminal && strcmp(terminal, "dumb") == 0);
}

static void look_at_stderr(void)
{
	int before = errno;

	self.journal = is_journal();
	self.coloured = is_colourful();
	errno = before;
}

/* ---- a line ---- */

static size_t compose_text(char out[LOG_LINE_BYTES], enum log_level level, const char *message)
{
	const char *colour = self.coloured ? level_colours[level] : "";
	char stamp[STAMP_BYTES];
	size_t len;

	stamp_now(stamp);
	if (self.journal)
		len = (size_t)snprintf(out, LOG_LINE_BYTES, "<%c>", level_priorities[level]);
	else
		len = (size_t)snprintf(out, LOG_LINE_BYTES, "%s %s%-5s%s ", stamp, colour, level_names[level],
				       *colour ? "\033[0m" : "");
	len += text_escape(message, TEXT_PLAIN, out + len, LOG_LINE_BYTES - len - 1);
	out[len++] = '\n';
	return len;
}

/* ,"slot":0,"worker_pid":812,"generation":2,"cause":"SIGSEGV" */
static void compose_subject(char out[SUBJECT_BYTES], const struct log_subject *subject)
{
	static const char end[] = "\"";
	size_t len;

	out[0] = '\0';
	if (!subject)
		return;
	len = (size_t)snprintf(out, SUBJECT_BYTES, ",\"%s\":%u,\"%s_pid\":%d,\"generation\":%" PRIu32,
			       subject->is_task ? "task" : "slot", subject->slot,
			       subject->is_task ? "task" : "worker", (int)subject->pid, subject->generation);
	if (!subject->cause)
		return;
	len += (size_t)snprintf(out + len, SUBJECT_BYTES - len, ",\"cause\":\"");
	len += text_escape(subject->cause, TEXT_JSON, out + len, SUBJECT_BYTES - len - sizeof(end));
	memcpy(out + len, end, sizeof(end));
}

static size_t compose_json(char out[LOG_LINE_BYTES], enum log_level level, const struct log_subject *subject,
			   const char *message)
{
	static const char end[] = "\"}\n";
	char stamp[STAMP_BYTES], about[SUBJECT_BYTES], priority[4] = "";
	size_t len;

	stamp_now(stamp);
	compose_subject(about, subject);
	if (self.journal)
		snprintf(priority, sizeof(priority), "<%c>", level_priorities[level]);
	len = (size_t)snprintf(out, LOG_LINE_BYTES,
			       "%s{\"time\":\"%s\",\"level\":\"%s\",\"pid\":%d%s,\"message\":\"", priority, stamp,
			       level_names[level], (int)getpid(), about);
	len += text_escape(message, TEXT_JSON, out + len, LOG_LINE_BYTES - len - (sizeof(end) - 1));
	memcpy(out + len, end, sizeof(end) - 1);
	return len + sizeof(end) - 1;
}

static bool write_message(enum log_level level, const struct log_subject *subject, const char *message)
{
	char line[LOG_LINE_BYTES];
	size_t len = self.format == LOG_JSON ? compose_json(line, level, subject, message)
					     : compose_text(line, level, message);

	if (self.first_fd >= 0 && level == LOG_ERROR)
		(void)write_now(self.first_fd, line, len);
	return write_now(STDERR_FILENO, line, len) == (ssize_t)len;
}

static bool tell_losses(void)
{
	char message[64];

	if (self.n_lost == self.n_told)
		return true;
	snprintf(message, sizeof(message), "%" PRIu64 " log lines were lost", self.n_lost - self.n_told);
	if (!write_message(LOG_WARN, NULL, message))
		return false;
	self.n_told = self.n_lost;
	return true;
}

__attribute__((format(printf, 3, 0)))
static void say(enum log_level level, const struct log_subject *subject, const char *format, va_list arguments)
{
	char message[LOG_LINE_BYTES];

	vsnprintf(message, sizeof(message), format, arguments);
	if (!tell_losses() || !write_message(level, subject, message))
		self.n_lost++;
}

void log_line(enum log_level level, const char *format, ...)
{
	int before = errno;	/* the caller's, for %m and for the caller */
	va_list arguments;

	if (level > self.most)
		return;
	va_start(arguments, format);
	say(level, NULL, format, arguments);
	va_end(arguments);
	errno = before;
}

void log_about(enum log_level level, const struct log_subject *subject, const char *format, ...)
{
	int before = errno;
	va_list arguments;

	if (level > self.most)
		return;
	va_start(arguments, format);
	say(level, subject, format, arguments);
	va_end(arguments);
	errno = before;
}

/* ---- where to, and how ---- */

void log_setup(enum log_format format, enum log_level most)
{
	self.format = format;
	self.most = most;
	look_at_stderr();
}

uint64_t log_n_lost(void)
{
	return self.n_lost;
}

int log_replace(int fd)
{
	if (dup2(fd, STDERR_FILENO) < 0)
		return -errno;
	look_at_stderr();
	return 0;
}

/* After an upgrade stderr is the file already. */
static bool is_stderr(int fd)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && fstat(STDERR_FILENO, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int log_open(const char *path)
{
	int fd = write_open(path);
	int r;

	if (fd < 0)
		return fd;
	if (self.first_fd < 0 && !is_stderr(fd))
		self.first_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	r = log_replace(fd);
	close(fd);
	return r;
}

void log_settle(void)
{
	if (self.first_fd >= 0)
		close(self.first_fd);
	self.first_fd = -1;
}
