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

static void format_number(json_int_t n, char out[CELL_BYTES])
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
		format_number(n, out);
	else
		snprintf(out, CELL_BYTES, "%" JSON_INTEGER_FORMAT "%c", n, units[unit]);
}

/* Broken where it must be; further lines are indented by @indent. */
static void print_wrapped(const char *text, size_t indent)
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

static void print_clean(const char *text)
{
	char clean[1024];

	printf("%.*s", (int)text_escape(text, TEXT_PLAIN, clean, sizeof(clean)), clean);
}

/* ---- status ---- */

static void print_addresses(const json_t *addresses)
{
	char line[640] = "listening on";
	size_t len = strlen(line);

	for (size_t i = 0; i < json_array_size(addresses); i++) {
		const char *text = json_string_value(json_array_get(addresses, i));

		snprintf(line + len, sizeof(line) - len, "%s %.60s", i > 0 ? "," : "", text ? text : "?");
		len = strlen(line);
	}
	print_wrapped(line, 0);
}

static void print_imbalance(const json_t *status)
{
	const json_t *imbalance = json_object_get(status, "imbalance");

	if (json_is_number(imbalance))
		printf(", the busiest has %.2f times its share", json_number_value(imbalance));
}

static void print_upgrade(const json_t *upgrade)
{
	char line[400];

	if (report_number(upgrade, "to"))
		printf("taken over by pid %d\n", (int)report_number(upgrade, "to"));
	else if (report_is_true(upgrade, "running"))
		printf("upgrading\n");
	else if (report_number(upgrade, "from"))
		printf("taken over from pid %d\n", (int)report_number(upgrade, "from"));
	if (report_text(upgrade, "failure")[0]) {
		snprintf(line, sizeof(line), "upgrade: %s", report_text(upgrade, "failure"));
		print_wrapped(line, 0);
	}
}

static void print_phase(const json_t *status)
{
	const json_t *reload = json_object_get(status, "reload");

	if (report_is_true(status, "stopping"))
		printf("stopping\n");
	else if (!report_is_true(status, "ready"))
		printf("not ready yet\n");
	if (report_is_true(reload, "running"))
		printf("reloading: %" JSON_INTEGER_FORMAT " to be replaced\n", report_number(reload, "left"));
	else if (report_text(reload, "failure")[0])
		print_wrapped(report_text(reload, "failure"), 0);
	print_upgrade(json_object_get(status, "upgrade"));
	if (report_is_true(status, "scaling"))
		printf("scaling to %" JSON_INTEGER_FORMAT " workers\n", report_number(status, "wanted"));
}

static void print_pool(const json_t *status)
{
	char uptime[CELL_BYTES];

	report_time(report_number(status, "uptime_ms"), uptime);
	printf("brood ");
	print_clean(report_text(status, "brood"));
	printf(", pid %" JSON_INTEGER_FORMAT ", up %s: ", report_number(status, "pid"), uptime);
	print_clean(report_text(status, "model"));
	printf(", ");
	print_clean(report_text(status, "engine")[0] ? report_text(status, "engine") : "no engine yet");
	if (report_text(status, "balance")[0])
		printf(", ");
	print_clean(report_text(status, "balance"));
	printf("\n");
	if (report_text(status, "engine_why")[0])
		print_wrapped(report_text(status, "engine_why"), 2);
	print_addresses(json_object_get(status, "listen"));
	printf("restarts %" JSON_INTEGER_FORMAT ", giveups %" JSON_INTEGER_FORMAT, report_number(status, "restarts"),
	       report_number(status, "giveups"));
	print_imbalance(status);
	printf("\n");
	print_phase(status);
}

static void print_cell(const json_t *object, const char *key, int width,
		       void (*format)(json_int_t n, char out[CELL_BYTES]))
{
	char cell[CELL_BYTES] = "-";

	if (json_is_integer(json_object_get(object, key)))
		format(report_number(object, key), cell);
	printf(" %*s", width, cell);
}

static void print_notes(const json_t *slot)
{
	const json_t *worker = json_object_get(slot, "worker");
	const json_t *lent_to = json_object_get(slot, "lent_to");
	char lag[CELL_BYTES];

	if (report_is_true(worker, "silent")) {
		report_time(report_number(worker, "lag_ms"), lag);
		printf(" lag:%s", lag);
	}
	if (json_is_integer(lent_to))
		printf(" lent:%d", (int)json_integer_value(lent_to));
	if (report_number(slot, "leaving") > 0)
		printf(" +%d", (int)report_number(slot, "leaving"));
}

static void print_slot(const json_t *slot)
{
	const json_t *worker = json_object_get(slot, "worker");

	printf("%4d %-8.8s", (int)report_number(slot, "slot"), report_text(slot, "state"));
	print_cell(worker, "pid", 7, format_number);
	print_cell(worker, "generation", 4, report_count);
	print_cell(worker, "uptime_ms", 6, report_time);
	print_cell(worker, "connections", 6, report_count);
	print_cell(worker, "in_flight", 6, report_count);
	print_cell(worker, "requests", 8, report_count);
	print_cell(slot, "restarts", 4, report_count);
	print_notes(slot);
	printf("\n");
}

static void print_last_deaths(const json_t *slots)
{
	for (size_t i = 0; i < json_array_size(slots); i++) {
		const json_t *slot = json_array_get(slots, i);
		const json_t *death = json_object_get(slot, "last_death");
		char ago[CELL_BYTES];

		if (!json_is_object(death))
			continue;
		report_time(report_number(death, "ago_ms"), ago);
		printf("\nslot %d, %s ago:\n", (int)report_number(slot, "slot"), ago);
		print_wrapped(report_text(death, "how"), 2);
	}
}

void report_status(const json_t *reply)
{
	const json_t *slots = json_object_get(reply, "slots");

	print_pool(reply);
	printf("\nSLOT STATE        PID  GEN UPTIME  CONNS FLIGHT REQUESTS DIED\n");
	for (size_t i = 0; i < json_array_size(slots); i++)
		print_slot(json_array_get(slots, i));
	print_last_deaths(slots);
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
		print_wrapped(report_text(suspect, "request"), 3);
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
