/* SPDX-License-Identifier: MIT */
#include "guest/notify.h"

#include <string.h>

struct field {
	const char	*value;
	size_t		 len;
};

static bool says(struct field f, const char *word)
{
	return strlen(word) == f.len && memcmp(f.value, word, f.len) == 0;
}

static bool set_flag(struct field f, bool *ret_flag)
{
	*ret_flag = says(f, "1");
	return *ret_flag;
}

static bool set_watchdog(struct field f, struct notice *n)
{
	n->watchdog |= says(f, "1");
	n->trigger |= says(f, "trigger");
	return says(f, "1") || says(f, "trigger");
}

static bool set_main_pid(struct field f, struct notice *n)
{
	pid_t pid = 0;

	if (f.len == 0 || f.len > 9)	/* none is longer: the kernel's most is 4194304 */
		return false;
	for (size_t i = 0; i < f.len; i++) {
		if (f.value[i] < '0' || f.value[i] > '9')
			return false;
		pid = pid * 10 + (f.value[i] - '0');
	}
	n->main_pid = pid;
	return pid > 1;
}

static bool set_status(struct field f, struct notice *n)
{
	size_t len = f.len < sizeof(n->status) - 1 ? f.len : sizeof(n->status) - 1;

	memcpy(n->status, f.value, len);
	n->status[len] = '\0';
	n->has_status = true;
	return true;
}

static bool set_fd_name(struct field f, struct notice *n)
{
	if (!stored_is_name(f.value, f.len))
		return false;
	memcpy(n->name, f.value, f.len);
	n->name[f.len] = '\0';
	return true;
}

static bool is_name(const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!(name[i] >= 'A' && name[i] <= 'Z') && !(name[i] >= '0' && name[i] <= '9') && name[i] != '_')
			return false;
	return len > 0;
}

static bool is_called(const char *line, size_t len, const char *name)
{
	return strlen(name) == len && memcmp(line, name, len) == 0;
}

static bool parse_line(const char *line, size_t len, struct notice *n)
{
	const char *equals = memchr(line, '=', len);
	size_t name_len = equals ? (size_t)(equals - line) : len;
	struct field f = { line + name_len + 1, len - name_len - 1 };

	if (!equals || !is_name(line, name_len))
		return false;
	if (is_called(line, name_len, "READY"))
		return set_flag(f, &n->ready);
	if (is_called(line, name_len, "RELOADING"))
		return set_flag(f, &n->reloading);
	if (is_called(line, name_len, "STOPPING"))
		return set_flag(f, &n->stopping);
	if (is_called(line, name_len, "WATCHDOG"))
		return set_watchdog(f, n);
	if (is_called(line, name_len, "MAINPID"))
		return set_main_pid(f, n);
	if (is_called(line, name_len, "FDSTORE"))
		return set_flag(f, &n->store);
	if (is_called(line, name_len, "FDSTOREREMOVE"))
		return set_flag(f, &n->forget);
	if (is_called(line, name_len, "FDNAME"))
		return set_fd_name(f, n);
	if (is_called(line, name_len, "STATUS"))
		return set_status(f, n);
	return true;
}

/* The last line may do without its end. */
bool notify_parse(const char *text, size_t len, struct notice *ret_notice)
{
	struct notice n = { .name = "stored" };
	const char *end = text + len;

	if (len == 0 || len > NOTICE_MOST || memchr(text, '\0', len))
		return false;
	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t line_len = (size_t)((newline ? newline : end) - text);

		if (line_len > 0 && !parse_line(text, line_len, &n))
			return false;
		text += line_len + 1;
	}
	*ret_notice = n;
	return true;
}
