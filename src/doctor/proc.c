/* SPDX-License-Identifier: MIT */
/* proc - what /proc says of the machine and of this process */
#include "base/auto.h"
#include "doctor/doctor.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Return: false when it cannot be read; what does not fit is left out. */
static bool read_text(const char *path, char *out, size_t size)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);

	out[n > 0 ? n : 0] = '\0';
	return n > 0;
}

bool read_line(const char *path, char *out, size_t size)
{
	if (!read_text(path, out, size))
		return false;
	out[strcspn(out, "\n")] = '\0';
	return true;
}

bool read_number(const char *path, unsigned long *ret_number)
{
	char text[64], *end;
	unsigned long number;

	if (!read_line(path, text, sizeof(text)) || !isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	number = strtoul(text, &end, 10);
	if (errno)
		return false;
	*ret_number = number;
	return true;
}

bool read_status(const char *field, char *out, size_t size)
{
	char text[8192];
	size_t len = strlen(field);

	out[0] = '\0';
	if (!read_text("/proc/self/status", text, sizeof(text)))
		return false;
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, field, len) != 0 || line[len] != ':')
			continue;
		line += len + 1;
		line += strspn(line, " \t");
		snprintf(out, size, "%.*s", (int)strcspn(line, "\n"), line);
		return true;
	}
	return false;
}

bool has_capability(unsigned number)
{
	char text[32];

	return read_status("CapEff", text, sizeof(text)) && (strtoull(text, NULL, 16) >> number & 1);
}

uid_t uid_of_workers(const struct patient *patient)
{
	const char *user = patient->pool.user;
	const struct passwd *entry = user ? getpwnam(user) : NULL;

	if (entry)
		return entry->pw_uid;
	return user && isdigit((unsigned char)user[0]) ? (uid_t)strtoul(user, NULL, 10) : geteuid();
}
