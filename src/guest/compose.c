/* SPDX-License-Identifier: MIT */
/*
 * compose - the words and the environment that the program is executed with; in the child, which allocates as it
 * likes
 */
#include "guest/room.h"

#include "base/auto.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SLOT_WORD	"{slot}"
#define NUMBER_BYTES	24
#define NAMES_BYTES	(LISTENERS_MAX * 6 + STORED_MOST * (STORED_NAME_BYTES + 1) + 1)

struct text {
	char	*at;
	size_t	 size;
	size_t	 n;
};

/* What did not fit is missing, and n is over size. */
static void add(struct text *text, const char *from, size_t len)
{
	if (text->n + len < text->size)
		memcpy(text->at + text->n, from, len);
	text->n += len;
}

static size_t count_slots(const char *from)
{
	size_t n = 0;

	for (; (from = strstr(from, SLOT_WORD)); from += strlen(SLOT_WORD))
		n++;
	return n;
}

/* @from with the number of the slot in each {slot}. Return: NULL = no memory. */
static char *fill_in(const struct keeper *k, const char *from)
{
	struct text text = { .size = strlen(from) + count_slots(from) * NUMBER_BYTES + 1 };
	char number[NUMBER_BYTES];
	const char *next;

	text.at = calloc(1, text.size);
	if (!text.at)
		return NULL;
	snprintf(number, sizeof(number), "%u", k->heritage->slot);
	for (; (next = strstr(from, SLOT_WORD)); from = next + strlen(SLOT_WORD)) {
		add(&text, from, (size_t)(next - from));
		add(&text, number, strlen(number));
	}
	add(&text, from, strlen(from));
	return text.at;
}

/* As one command for the shell. */
static char *join(char *const words[])
{
	struct text text = { .size = 1 };

	for (char *const *w = words; *w; w++)
		text.size += strlen(*w) + 1;
	text.at = calloc(1, text.size);
	for (char *const *w = words; text.at && *w; w++) {
		add(&text, " ", w == words ? 0 : 1);
		add(&text, *w, strlen(*w));
	}
	return text.at;
}

static char **for_shell(char **words)
{
	static char shell[] = "/bin/sh", option[] = "-c";

	words[2] = join(words);
	words[0] = shell;
	words[1] = option;
	words[3] = NULL;
	return words[2] ? words : NULL;
}

char **compose_arguments(const struct keeper *k)
{
	char *const *guest = k->config->guest;
	char **words;
	size_t n = 0;

	while (guest[n])
		n++;
	words = calloc(n + 4, sizeof(*words));
	for (size_t i = 0; words && i < n; i++) {
		words[i] = fill_in(k, guest[i]);
		if (!words[i])
			return NULL;
	}
	return words && k->config->options.shell ? for_shell(words) : words;
}

/* ---- environment ---- */

static int set_number(const char *name, uint64_t value)
{
	char text[NUMBER_BYTES];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	return setenv(name, text, 1);
}

static void add_name(struct text *text, const char *name)
{
	add(text, ":", text->n == 0 ? 0 : 1);
	add(text, name, strlen(name));
}

static int set_sockets(const struct keeper *k)
{
	const struct config *config = k->config;
	char names[NAMES_BYTES] = "", port[NUMBER_BYTES];
	struct text text = { .at = names, .size = sizeof(names) };
	int r = 0;

	for (unsigned i = 0; i < config->n_listeners; i++) {
		snprintf(port, sizeof(port), "%u", address_port(&config->listen[i]));
		add_name(&text, port);
	}
	for (unsigned i = 0; i < k->heritage->n_stored; i++)
		add_name(&text, k->heritage->stored[i].name);
	if (text.n == 0)
		return 0;
	r |= set_number("LISTEN_PID", (uint64_t)getpid());
	r |= set_number("LISTEN_FDS", config->n_listeners + k->heritage->n_stored);
	return r | setenv("LISTEN_FDNAMES", names, 1);
}

/* Lines of NAME=value, as they were checked. */
static int set_more(const struct keeper *k)
{
	const char *env = k->config->options.env;
	char *lines = fill_in(k, env ? env : ""), *line;
	int r = lines ? 0 : -1;

	while ((line = strsep(&lines, "\n"))) {
		char *equals = strchr(line, '=');

		if (!equals)
			continue;
		*equals = '\0';
		r |= setenv(line, equals + 1, 1);
	}
	return r;
}

int compose_environment(const struct keeper *k)
{
	static const char *const ours[] = {
		"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC",
		"BROOD_UPGRADE_FD",
	};
	uint32_t hang_timeout_ms = k->config->options.hang_timeout_ms;
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		unsetenv(ours[i]);
	r |= setenv("NOTIFY_SOCKET", k->notify_name, 1);
	if (hang_timeout_ms != BROOD_OFF) {
		r |= set_number("WATCHDOG_PID", (uint64_t)getpid());
		r |= set_number("WATCHDOG_USEC", (uint64_t)hang_timeout_ms * 1000);
	}
	r |= set_sockets(k);
	r |= set_number("BROOD_SLOT", k->heritage->slot);
	r |= set_number("BROOD_GENERATION", k->heritage->generation);
	r |= set_number("BROOD_ID", k->heritage->id);
	r |= set_number("BROOD_CHANNEL_FD", 3 + k->config->n_listeners + k->heritage->n_stored);
	return r | set_more(k);
}
