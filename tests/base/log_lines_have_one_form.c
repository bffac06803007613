/* SPDX-License-Identifier: MIT */
#include "logged.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <sys/stat.h>

/* "2026-11-21T04:00:00.123Z" */
static bool is_stamp(const char *text)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd.dddZ";

	for (size_t i = 0; form[i]; i++)
		if (form[i] == 'd' ? !isdigit((unsigned char)text[i]) : text[i] != form[i])
			return false;
	return true;
}

static void in_text(void)
{
	char line[LOG_LINE_BYTES * 2];

	log_setup(LOG_TEXT, LOG_INFO);
	log_info("worker %d (pid %d): ready", 0, 12);
	logged_take(line, sizeof(line));
	hold(is_stamp(line));
	hold(strcmp(line + 24, " info  worker 0 (pid 12): ready\n") == 0);
	log_error("x");
	logged_take(line, sizeof(line));
	hold(strcmp(line + 24, " error x\n") == 0);
	log_debug("not at this level");
	logged_take(line, sizeof(line));
	hold(line[0] == '\0');
	errno = ENOENT;
	log_warn("%m");
	hold(errno == ENOENT);
	logged_take(line, sizeof(line));
	hold(strcmp(line + 24, " warn  No such file or directory\n") == 0);
}

static void in_json(void)
{
	char line[LOG_LINE_BYTES * 2], expected[LOG_LINE_BYTES];

	log_setup(LOG_JSON, LOG_INFO);
	log_info("said \"%s\"", "a\\b");
	logged_take(line, sizeof(line));
	hold(strncmp(line, "{\"time\":\"", 9) == 0 && is_stamp(line + 9));
	snprintf(expected, sizeof(expected),
		 "\",\"level\":\"info\",\"pid\":%d,\"message\":\"said \\\"a\\\\b\\\"\"}\n", (int)getpid());
	hold(strcmp(line + 9 + 24, expected) == 0);
}

static void of_a_worker(void)
{
	const struct log_subject subject = { .slot = 3, .pid = 12, .generation = 2, .cause = "said \"x\"" };
	char line[LOG_LINE_BYTES * 2], expected[LOG_LINE_BYTES];

	log_setup(LOG_JSON, LOG_INFO);
	log_about(LOG_WARN, &subject, "worker %d", 3);
	logged_take(line, sizeof(line));
	snprintf(expected, sizeof(expected), "\",\"level\":\"warn\",\"pid\":%d,\"slot\":3,\"worker_pid\":12,"
		 "\"generation\":2,\"cause\":\"said \\\"x\\\"\",\"message\":\"worker 3\"}\n", (int)getpid());
	hold(strcmp(line + 9 + 24, expected) == 0);
	log_setup(LOG_TEXT, LOG_INFO);
	log_about(LOG_WARN, &subject, "worker %d", 3);
	logged_take(line, sizeof(line));
	hold(strcmp(line + 24, " warn  worker 3\n") == 0);
}

/* As systemd.exec(5) has it: the device and the inode of the stream. */
static void in_the_journal(void)
{
	char line[LOG_LINE_BYTES * 2], name[64];
	struct stat about;

	hold(fstat(STDERR_FILENO, &about) == 0);
	snprintf(name, sizeof(name), "%ju:%ju", (uintmax_t)about.st_dev, (uintmax_t)about.st_ino);
	setenv("JOURNAL_STREAM", name, 1);
	log_setup(LOG_TEXT, LOG_DEBUG);
	log_error("a");
	log_warn("b");
	log_info("c");
	log_debug("d");
	logged_take(line, sizeof(line));
	hold(strcmp(line, "<3>a\n<4>b\n<6>c\n<7>d\n") == 0);
	log_setup(LOG_JSON, LOG_INFO);
	log_error("a");
	logged_take(line, sizeof(line));
	hold(strncmp(line, "<3>{\"time\":\"", 12) == 0);
	snprintf(name, sizeof(name), "%ju:%ju", (uintmax_t)about.st_dev, (uintmax_t)about.st_ino + 1);
	setenv("JOURNAL_STREAM", name, 1);	/* somebody has redirected it */
	log_setup(LOG_TEXT, LOG_INFO);
	log_error("a");
	logged_take(line, sizeof(line));
	hold(is_stamp(line));
	unsetenv("JOURNAL_STREAM");
}

static void too_long_is_cut(enum log_format format, const char *end)
{
	char message[LOG_LINE_BYTES * 2], line[LOG_LINE_BYTES * 3];
	size_t len;

	log_setup(format, LOG_INFO);
	memset(message, '\n', sizeof(message) - 1);
	message[sizeof(message) - 1] = '\0';
	log_info("%s", message);
	logged_take(line, sizeof(line));
	len = strlen(line);
	hold(len <= LOG_LINE_BYTES && len > LOG_LINE_BYTES - 16);
	hold(strchr(line, '\n') == line + len - 1);
	hold(strcmp(line + len - strlen(end), end) == 0);
}

int main(void)
{
	logged_begin();
	in_text();
	in_json();
	of_a_worker();
	in_the_journal();
	too_long_is_cut(LOG_TEXT, "\\n\n");
	too_long_is_cut(LOG_JSON, "\\n\"}\n");
	return 0;
}
