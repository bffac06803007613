/* SPDX-License-Identifier: MIT */
#include "base/unix_rights.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_BYTES 64

static const char *value_of(const char *text, const char *key)
{
	size_t n = strlen(key);

	return strncmp(text, key, n) == 0 ? text + n : NULL;
}

bool unix_rights_follow(const char *text)
{
	return value_of(text, "mode=") || value_of(text, "user=") || value_of(text, "group=");
}

static int parse_number(const char *text, int base, unsigned long most, unsigned long *ret_number)
{
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	*ret_number = strtoul(text, &end, base);
	return *end || *ret_number > most ? -EINVAL : 0;
}

static int parse_mode(const char *text, struct unix_rights *rights)
{
	unsigned long number = 0;
	int r = parse_number(text, 8, 0777, &number);

	rights->mode = (mode_t)number;
	return r;
}

static int parse_user(const char *text, struct unix_rights *rights)
{
	const struct passwd *user = getpwnam(text);
	unsigned long number = 0;
	int r = user ? 0 : parse_number(text, 10, UINT32_MAX - 1, &number);

	rights->uid = user ? user->pw_uid : (uid_t)number;
	return r;
}

static int parse_group(const char *text, struct unix_rights *rights)
{
	const struct group *group = getgrnam(text);
	unsigned long number = 0;
	int r = group ? 0 : parse_number(text, 10, UINT32_MAX - 1, &number);

	rights->gid = group ? group->gr_gid : (gid_t)number;
	return r;
}

/* "mode=0660" of @len bytes */
static int parse_part(const char *part, size_t len, struct unix_rights *rights)
{
	char text[VALUE_BYTES];

	if (len >= sizeof(text))
		return -EINVAL;
	memcpy(text, part, len);
	text[len] = '\0';
	if (value_of(text, "mode="))
		return parse_mode(value_of(text, "mode="), rights);
	if (value_of(text, "user="))
		return parse_user(value_of(text, "user="), rights);
	return value_of(text, "group=") ? parse_group(value_of(text, "group="), rights) : -EINVAL;
}

int unix_rights_parse(const char *text, char *out, size_t size, struct unix_rights *ret_rights)
{
	const char *comma = strchr(text, ',');
	size_t len;

	*ret_rights = UNIX_RIGHTS_USUAL;
	while (comma && !unix_rights_follow(comma + 1))
		comma = strchr(comma + 1, ',');
	len = comma ? (size_t)(comma - text) : strlen(text);
	if (len >= size)
		return -ENOSPC;
	if (comma && !value_of(text, UNIX_PREFIX))
		return -EINVAL;
	memcpy(out, text, len);
	out[len] = '\0';
	while (comma) {
		const char *part = comma + 1;
		int r = parse_part(part, strcspn(part, ","), ret_rights);

		if (r < 0)
			return r;
		comma = strchr(part, ',');
	}
	return 0;
}
