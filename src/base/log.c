/* SPDX-License-Identifier: MIT */
#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define STAMP_BYTES 32

static const char *const level_names[] = { "error", "warn", "info", "debug" };

/* The only state of its kind: there is one stderr, and what must be said must not need a pointer. */
static struct {
	enum log_format	format;
	enum log_level	most;
	uint64_t	n_lost;
	uint64_t	n_told;		/* of the lost, how many a line has told */
} self = { .most = LOG_INFO };

static bool stderr_is_file(void)
{
	struct stat about;

	return fstat(STDERR_FILENO, &about) == 0 && S_ISREG(about.st_mode);
}

/* poll() alone would not do: another process may fill the pipe before our write. */
static bool write_or_lose(const char *line, size_t len)
{
	struct pollfd ready = { .fd = STDERR_FILENO, .events = POLLOUT };
	struct iovec whole = { (void *)line, len };
	ssize_t n;

	if (poll(&ready, 1, 0) != 1 || !(ready.revents & POLLOUT))
		return false;
	n = pwritev2(STDERR_FILENO, &whole, 1, -1, RWF_NOWAIT);
	if (n < 0 && (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL || stderr_is_file()))
		n = write(STDERR_FILENO, line, len);
	return n == (ssize_t)len;
}

static void format_stamp(char out[STAMP_BYTES])
{
	struct timespec now;
	struct tm utc;
	size_t len;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	len = strftime(out, STAMP_BYTES, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(out + len, STAMP_BYTES - len, ".%03ldZ", now.tv_nsec / 1000000);
}

static size_t compose_text(char out[LOG_LINE_BYTES], enum log_level level, const char *message)
{
	char stamp[STAMP_BYTES];
	size_t len;

	format_stamp(stamp);
	len = (size_t)snprintf(out, LOG_LINE_BYTES, "%s %-5s ", stamp, level_names[level]);
	len += text_escape(message, TEXT_PLAIN, out + len, LOG_LINE_BYTES - len - 1);
	out[len++] = '\n';
	return len;
}

static size_t compose_json(char out[LOG_LINE_BYTES], enum log_level level, const char *message)
{
	static const char end[] = "\"}\n";
	char stamp[STAMP_BYTES];
	size_t len;

	format_stamp(stamp);
	len = (size_t)snprintf(out, LOG_LINE_BYTES, "{\"time\":\"%s\",\"level\":\"%s\",\"pid\":%d,\"message\":\"",
			       stamp, level_names[level], (int)getpid());
	len += text_escape(message, TEXT_JSON, out + len, LOG_LINE_BYTES - len - (sizeof(end) - 1));
	memcpy(out + len, end, sizeof(end) - 1);
	return len + sizeof(end) - 1;
}

static bool write_message(enum log_level level, const char *message)
{
	char line[LOG_LINE_BYTES];
	size_t len = self.format == LOG_JSON ? compose_json(line, level, message)
					     : compose_text(line, level, message);

	return write_or_lose(line, len);
}

static bool tell_losses(void)
{
	char message[64];

	if (self.n_lost == self.n_told)
		return true;
	snprintf(message, sizeof(message), "%" PRIu64 " log lines were lost", self.n_lost - self.n_told);
	if (!write_message(LOG_WARN, message))
		return false;
	self.n_told = self.n_lost;
	return true;
}

void log_setup(enum log_format format, enum log_level most)
{
	self.format = format;
	self.most = most;
}

uint64_t log_n_lost(void)
{
	return self.n_lost;
}

void log_line(enum log_level level, const char *format, ...)
{
	char message[LOG_LINE_BYTES];
	int before = errno;	/* the caller's, for %m and for the caller */
	va_list arguments;

	if (level > self.most)
		return;
	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	if (!tell_losses() || !write_message(level, message))
		self.n_lost++;
	errno = before;
}
