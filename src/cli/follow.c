/* SPDX-License-Identifier: MIT */
/* follow - `brood ctl events`: what happens in a pool, until it ends; over an upgrade, and on with the new one */
#include "base/text.h"
#include "cli/cli.h"
#include "cli/ctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#define LINE_MOST	(64 << 10)

/* A key that has its own place in the line, or says nothing to people. */
static bool is_placed(const char *key)
{
	static const char *const keys[] = { "event", "time", "slot", "pid", "generation", "id", "state", "cause" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(key, keys[i]) == 0)
			return true;
	return false;
}

static void print_text(const char *text)
{
	char clean[512];

	printf("%.*s", (int)text_escape(text, TEXT_PLAIN, clean, sizeof(clean)), clean);
}

static void print_value(const json_t *value)
{
	char *text;

	if (json_is_string(value)) {
		print_text(json_string_value(value));
		return;
	}
	text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	print_text(text ? text : "?");
	free(text);
}

static void print_number(const json_t *event, const char *key)
{
	if (json_is_integer(json_object_get(event, key)))
		printf(" %s %" JSON_INTEGER_FORMAT, key, report_number(event, key));
}

static void print_rest(json_t *event)
{
	const char *key;
	json_t *value;

	json_object_foreach(event, key, value) {
		if (is_placed(key) || json_is_null(value) || json_is_false(value))
			continue;
		printf(" ");
		print_text(key);
		if (json_is_true(value))
			continue;
		printf("=");
		print_value(value);
	}
}

/* 14:02:31.415 exit       slot 0 pid 812 generation 3 signal=SIGKILL: killed by SIGKILL after 4.2 s */
static void print_event(json_t *event)
{
	const char *time = report_text(event, "time"), *cause = report_text(event, "cause");

	printf("%-12.12s ", strlen(time) > 11 ? time + 11 : "");
	printf("%-10.10s", report_text(event, "event"));
	print_number(event, "slot");
	print_number(event, "pid");
	print_number(event, "generation");
	if (report_text(event, "state")[0])
		printf(" ");
	print_text(report_text(event, "state"));
	print_rest(event);
	if (cause[0])
		printf(": ");
	print_text(cause);
	printf("\n");
}

/* Return: whether it is what a pool says. */
static bool print_line(const char *line, bool as_it_is)
{
	json_t *event = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	bool is_event = json_is_string(json_object_get(event, "event"));

	if (is_event && as_it_is)
		fputs(line, stdout);
	else if (is_event)
		print_event(event);
	json_decref(event);
	fflush(stdout);
	return is_event;
}

static int complain_of(const struct talk *talk, const char *why)
{
	complain("%s: %s", talk->path, why);
	return 1;
}

/* Return: an exit code, the reason was printed; or -1 = there will be events. */
static int read_reply(const struct talk *talk, const char *line)
{
	json_t *reply = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	const json_t *ok = json_object_get(reply, "ok");
	int code = -1;

	if (!json_is_boolean(ok))
		code = complain_of(talk, "it answers what is no reply");
	else if (!json_is_true(ok))
		code = complain_of(talk, report_text(reply, "error"));
	json_decref(reply);
	return code;
}

/* Return: an exit code; *ret_n: how many lines came. */
static int read_lines(const struct talk *talk, FILE *from, bool as_it_is, unsigned long *ret_n)
{
	static char line[LINE_MOST];
	int code = -1;

	*ret_n = 0;
	while (code < 0 && fgets(line, sizeof(line), from)) {
		if ((*ret_n)++ == 0)
			code = read_reply(talk, line);
		else if (!print_line(line, as_it_is))
			code = complain_of(talk, "it tells what is no event");
	}
	return code < 0 ? 0 : code;
}

static int listen_to(struct talk *talk, bool as_it_is, unsigned long *ret_n)
{
	const struct timeval for_ever = { 0 };
	FILE *from = fdopen(talk->fd, "r");
	int code;

	if (!from)
		return complain_of(talk, strerror(errno));
	(void)setsockopt(talk->fd, SOL_SOCKET, SO_RCVTIMEO, &for_ever, sizeof(for_ever));
	code = read_lines(talk, from, as_it_is, ret_n);
	fclose(from);
	talk->fd = -1;
	return code;
}

int follow_events(struct talk *talk, bool as_it_is)
{
	json_t *request = json_pack("{s:s}", "command", "events");
	unsigned long n = 1;
	int code = 0;

	while (code == 0 && n > 0 && (talk->fd >= 0 || talk_connect(talk) == 0)) {
		if (talk_say(talk, request) < 0)	/* it has ended just now */
			break;
		code = listen_to(talk, as_it_is, &n);
	}
	json_decref(request);
	return code;
}
