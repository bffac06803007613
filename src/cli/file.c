/* SPDX-License-Identifier: MIT */
/*
 * file - the options in an INI file: drain-timeout = 9s, a line each
 *
 * Keys stand before any section or in [brood]: a file is about one pool. Lines are parsed by libinih, one at a time
 * as it asks for them. That is how we know their numbers, and how what it would do silently is kept from it: to cut
 * a long line in two, and to take an indented one for more of the value before.
 */
#include "base/auto.h"
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MOST	65536
#define LINE_MOST	4096

/* Where the library lets its bound on lines be set; elsewhere it is what it was built with. */
extern int ini_max_line __attribute__((weak));

struct file {
	struct reading	 reading;
	const char	*next;
	const char	*end;
	unsigned	 line;
	unsigned	 said[CLI_OPTIONS_MAX];	/* the line of each option; 0 = none yet */
	int		 code;
};

static int fail_line(struct file *file, const char *what)
{
	struct serve_options *out = file->reading.out;

	if (file->code == 0)
		file->code = refuse(out, "%s:%u: %s", out->config, file->line, what);
	return file->code;
}

/* As fgets(). What nobody could read is the end. */
static char *read_line(char *out, int size, void *stream)
{
	struct file *file = stream;
	const char *from = file->next;
	size_t len = (size_t)(file->end - from);
	const char *newline = memchr(from, '\n', len);

	if (file->code != 0 || len == 0)
		return NULL;
	if (newline)
		len = (size_t)(newline - from);
	file->next = newline ? newline + 1 : file->end;
	file->line++;
	for (; len > 0 && (*from == ' ' || *from == '\t'); from++)
		len--;
	if (len >= (size_t)size || memchr(from, '\0', len)) {
		fail_line(file, len >= (size_t)size ? "the line is too long" : "there is a NUL in the line");
		return NULL;
	}
	memcpy(out, from, len);
	out[len] = '\0';
	return out;
}

static int refuse_key(struct file *file, const char *key)
{
	const char *meant = option_suggest(key);
	char what[256];

	if (meant)
		snprintf(what, sizeof(what), "unknown option %.64s; did you mean %s?", key, meant);
	else
		snprintf(what, sizeof(what), "unknown option %.64s; `brood %s --help` lists them", key,
			 command_name(file->reading.out->command));
	return fail_line(file, what);
}

static int set_value(struct file *file, const struct option *option, const char *value)
{
	const char *refusal = option_refusal(option, file->reading.out->command);
	unsigned *said = &file->said[option - option_table];
	char what[CLI_ERROR_BYTES] = "";
	const char *allowed;

	if (refusal)
		snprintf(what, sizeof(what), "%s is %s", option->flag, refusal);
	else if (option_is_outside(option))
		snprintf(what, sizeof(what), "%s cannot be said in a file", option->flag);
	else if (*said && option->parse != parse_listen && option->parse != parse_env)
		snprintf(what, sizeof(what), "%s is said in line %u already", option->flag, *said);
	if (what[0])
		return fail_line(file, what);
	*said = file->line;
	file->reading.origin.line = file->line;
	allowed = assign_copy(&file->reading, option, value);
	if (!allowed)
		return 0;
	snprintf(what, sizeof(what), "%s is \"%.160s\": it must be %s", option->flag, value, allowed);
	return fail_line(file, what);
}

/* Of libinih. Return: whether all is well. */
static int on_pair(void *user, const char *section, const char *key, const char *value)
{
	struct file *file = user;
	const struct option *option = option_find(key, strlen(key));

	if (file->code != 0)
		return 0;
	if (section[0] && strcmp(section, "brood") != 0)
		return fail_line(file, "keys stand before any section, or in [brood]") == 0;
	if (!option)
		return refuse_key(file, key) == 0;
	return set_value(file, option, value) == 0;
}

static int parse(struct serve_options *out, const char *text, size_t len)
{
	struct file file = {
		.reading = { .out = out, .origin = { .source = FROM_FILE } }, .next = text, .end = text + len,
	};
	int line;

	if (&ini_max_line)
		ini_max_line = LINE_MOST;
	line = ini_parse_stream(read_line, &file, on_pair, &file);
	if (file.code == 0 && line != 0) {
		file.line = line > 0 ? (unsigned)line : 0;
		fail_line(&file, "not a line such as drain-timeout = 9s");
	}
	return file.code;
}

/* Return: how many bytes, or -errno. */
static ssize_t read_all(int fd, char *out, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size && (n = read(fd, out + len, size - len)) != 0) {
		if (n < 0)
			return -errno;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

static ssize_t load(const char *path, char *out, size_t size)
{
	autoclose int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat about;

	if (fd < 0 || fstat(fd, &about) < 0)
		return -errno;
	if (S_ISDIR(about.st_mode))
		return -EISDIR;
	return S_ISREG(about.st_mode) ? read_all(fd, out, size) : -ENOTSUP;
}

int file_read(struct serve_options *out)
{
	autofree char *text = malloc(FILE_MOST + 1);
	ssize_t len = text ? load(out->config, text, FILE_MOST + 1) : -ENOMEM;

	if (len == -ENOTSUP)
		return refuse(out, "config file \"%s\": not a regular file", out->config);
	if (len < 0)
		return refuse(out, "config file \"%s\": %s", out->config, strerror((int)-len));
	if (len > FILE_MOST)
		return refuse(out, "config file \"%s\": over 64 KiB", out->config);
	return parse(out, text, (size_t)len);
}
