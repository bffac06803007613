/* SPDX-License-Identifier: MIT */
/* report - what a pool has replied, for people: in 80 columns */
#include "base/text.h"
#include "cli/ctl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define WIDTH 80

json_int_t report_number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

const char *report_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

bool report_is_true(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

/* ---- cells ---- */

void report_time(json_int_t ms, char out[CELL_BYTES])
{
	json_int_t s = ms / 1000;

	if (ms < 1000)
		snprintf(out, CELL_BYTES, "%" JSON_INTEGER_FORMAT "ms", ms);
	else if (s < 60)
		snprintf(out, CELL_BYTES, "%" JSON_INTEGER_FORMAT ".%ds", s, (int)(ms % 1000 / 100));
	else if (s < 3600)
		snprintf(out, CELL_BYTES, "%dm%02ds", (int)(s / 60), (int)(s % 60));
	else if (s < 86400)
		snprintf(out, CELL_BYTES, "%dh%02dm", (int)(s / 3600), (int)(s % 3600 / 60));
	else if (s < 100 * 86400)
		snprintf(out, CELL_BYTES, "%dd%02dh", (int)(s / 86400), (int)(s % 86400 / 3600));
	else
		snprintf(out, CELL_BYTES, "%" JSON_INTEGER_FORMAT "d", s / 86400);
}

void report_integer(json_int_t n, char out[CELL_BYTES])
{
	snprintf(out, CELL_BYTES, "%" JSON_INTEGER_FORMAT, n);
}

void report_count(json_int_t n, char out[CELL_BYTES])
{
	static const char units[] = "kMGTPE";
	int unit = -1;

	for (; n > 999999; unit++)
		n /= 1000;
	if (unit < 0)
		report_integer(n, out);
	else
		snprintf(out, CELL_BYTES, "%" JSON_INTEGER_FORMAT "%c", n, units[unit]);
}

void report_bytes(json_int_t n, char out[CELL_BYTES])
{
	static const char units[] = "kMGTPE";
	double value = (double)n / 1024;
	int unit = 0;

	for (; value >= 999.5 && units[unit + 1]; unit++)
		value /= 1024;
	snprintf(out, CELL_BYTES, value < 9.95 ? "%.1f%c" : "%.0f%c", value, units[unit]);
}

void report_wrapped(const char *text, size_t indent)
{
	char clean[1024];
	size_t len = text_escape(text, TEXT_PLAIN, clean, sizeof(clean));
	const char *at = clean;

	while (len > 0) {
		size_t n = len < WIDTH - indent ? len : WIDTH - indent;

		if (n < len)
			while (n > (WIDTH - indent) / 2 && at[n] != ' ')
				n--;
		printf("%*s%.*s\n", (int)indent, "", (int)n, at);
		at += n;
		len -= n;
		if (len > 0 && *at == ' ') {
			at++;
			len--;
		}
	}
}

/* ---- poison ---- */

static void print_suspects(const json_t *suspects, const char *empty)
{
	if (json_array_size(suspects) == 0)
		printf("%s\n", empty);
	for (size_t i = 0; i < json_array_size(suspects); i++) {
		const json_t *suspect = json_array_get(suspects, i);
		char left[CELL_BYTES];

		report_time(report_number(suspect, "left_ms"), left);
		if (json_is_integer(json_object_get(suspect, "n")))
			printf("%2d ", (int)report_number(suspect, "n"));
		else
			printf(" - ");
		printf("%3" JSON_INTEGER_FORMAT " faults, for %s more:\n", report_number(suspect, "faults"), left);
		report_wrapped(report_text(suspect, "request"), 3);
	}
}

void report_poison(const json_t *reply)
{
	printf("answered 503:\n");
	print_suspects(json_object_get(reply, "quarantined"), "   none");
	printf("suspected:\n");
	print_suspects(json_object_get(reply, "suspects"), "   none");
}

void report_poison_clear(const json_t *reply)
{
	printf("%d no longer answered 503\n", (int)report_number(reply, "cleared"));
}

/* ---- what was begun ---- */

void report_scale(const json_t *reply)
{
	printf("scaling to %d\n", (int)report_number(reply, "wanted"));
}

void report_reload(const json_t *reply)
{
	printf("reload %d begun\n", (int)report_number(reply, "reload"));
}

void report_reopen(const json_t *reply)
{
	printf("reopening the logs\n");
}

void report_drain(const json_t *reply)
{
	printf("pid %d is to be replaced\n", (int)report_number(reply, "pid"));
}

void report_kill(const json_t *reply)
{
	printf("pid %d killed\n", (int)report_number(reply, "pid"));
}

void report_stop(const json_t *reply)
{
	printf("stopping\n");
}

void report_upgrade(const json_t *reply)
{
	printf("upgrade begun\n");
}
