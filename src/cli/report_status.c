/* SPDX-License-Identifier: MIT */
/* report_status - a pool and its workers, for people: in 80 columns */
#include "base/text.h"
#include "cli/ctl.h"

#include <stdio.h>
#include <string.h>

static void print_clean(const char *text)
{
	char clean[1024];

	printf("%.*s", (int)text_escape(text, TEXT_PLAIN, clean, sizeof(clean)), clean);
}

static void print_addresses(const json_t *addresses)
{
	char line[640] = "listening on";
	size_t len = strlen(line);

	for (size_t i = 0; i < json_array_size(addresses); i++) {
		const char *text = json_string_value(json_array_get(addresses, i));

		snprintf(line + len, sizeof(line) - len, "%s %.60s", i > 0 ? "," : "", text ? text : "?");
		len = strlen(line);
	}
	report_wrapped(line, 0);
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
		report_wrapped(line, 0);
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
		report_wrapped(report_text(reload, "failure"), 0);
	print_upgrade(json_object_get(status, "upgrade"));
	if (report_is_true(status, "scaling"))
		printf("scaling to %" JSON_INTEGER_FORMAT " workers\n", report_number(status, "wanted"));
}

static void print_pool(const json_t *status)
{
	char uptime[CELL_BYTES], uses[REPORT_USES][REPORT_USE_BYTES];
	size_t n_uses = report_uses(status, uses);

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
		report_wrapped(report_text(status, "engine_why"), 2);
	print_addresses(json_object_get(status, "listen"));
	printf("restarts %" JSON_INTEGER_FORMAT ", giveups %" JSON_INTEGER_FORMAT,
	       report_number(status, "restarts"), report_number(status, "giveups"));
	print_imbalance(status);
	printf("\n");
	for (size_t i = 0; i < n_uses; i++)
		printf("%s\n", uses[i]);
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

/* On a line of their own, if there are any. */
static void print_notes(const json_t *slot)
{
	const json_t *lent_to = json_object_get(slot, "lent_to");
	char line[160] = "";
	size_t len = 0;

	if (report_is_true(json_object_get(slot, "worker"), "silent"))
		len += (size_t)snprintf(line + len, sizeof(line) - len, ", its loop does not turn");
	if (json_is_integer(lent_to))
		len += (size_t)snprintf(line + len, sizeof(line) - len, ", slot %d takes its connections",
					(int)json_integer_value(lent_to));
	if (report_number(slot, "leaving") > 0)
		len += (size_t)snprintf(line + len, sizeof(line) - len, ", %d leaving",
					(int)report_number(slot, "leaving"));
	if (len > 0)
		printf("     %s\n", line + 2);
}

static void print_slot(const json_t *slot)
{
	const json_t *worker = json_object_get(slot, "worker");

	printf("%4d %-8.8s", (int)report_number(slot, "slot"), report_text(slot, "state"));
	print_cell(worker, "pid", 7, report_integer);
	print_cell(worker, "generation", 3, report_count);
	print_cell(worker, "uptime_ms", 6, report_time);
	print_cell(worker, "connections", 5, report_count);
	print_cell(slot, "queued", 5, report_count);
	print_cell(worker, "requests", 7, report_count);
	print_cell(worker, "requests_per_s", 6, report_count);
	print_cell(worker, "lag_ms", 5, report_time);
	print_cell(worker, "cpu_percent", 4, report_integer);
	print_cell(worker, "rss_bytes", 4, report_bytes);
	print_cell(slot, "restarts", 4, report_count);
	printf("\n");
	print_notes(slot);
}

static void print_task(const json_t *slot)
{
	const json_t *process = json_object_get(slot, "process");

	printf("%4d %-8.8s", (int)report_number(slot, "task"), report_text(slot, "state"));
	print_cell(process, "pid", 7, report_integer);
	print_cell(process, "generation", 3, report_count);
	print_cell(process, "uptime_ms", 6, report_time);
	printf(" %5s", report_is_true(process, "running") ? "yes" : "-");
	print_cell(process, "done", 13, report_count);
	print_cell(slot, "restarts", 4, report_count);
	printf("\n");
}

static void print_tasks(const json_t *tasks)
{
	const json_t *slots = json_object_get(tasks, "slots");

	if (!json_is_object(tasks))
		return;
	printf("\n%d of %d places in the queue of tasks taken\n\n", (int)report_number(tasks, "queued"),
	       (int)report_number(tasks, "queue"));
	printf("TASK %-8s %7s %3s %6s %5s %13s %4s\n", "STATE", "PID", "GEN", "UPTIME", "RUNS", "DONE", "DIED");
	for (size_t i = 0; i < json_array_size(slots); i++)
		print_task(json_array_get(slots, i));
}

static void print_last_deaths(const json_t *slots, const char *kind)
{
	for (size_t i = 0; i < json_array_size(slots); i++) {
		const json_t *slot = json_array_get(slots, i);
		const json_t *death = json_object_get(slot, "last_death");
		char ago[CELL_BYTES];

		if (!json_is_object(death))
			continue;
		report_time(report_number(death, "ago_ms"), ago);
		printf("\n%s %d, %s ago:\n", kind, (int)report_number(slot, kind), ago);
		report_wrapped(report_text(death, "how"), 2);
	}
}

void report_status(const json_t *reply)
{
	const json_t *slots = json_object_get(reply, "slots");

	print_pool(reply);
	printf("\nSLOT %-8s %7s %3s %6s %5s %5s %7s %6s %5s %4s %4s %4s\n", "STATE", "PID", "GEN", "UPTIME",
	       "CONNS", "QUEUE", "REQS", "RATE/s", "LAG", "CPU%", "RSS", "DIED");
	for (size_t i = 0; i < json_array_size(slots); i++)
		print_slot(json_array_get(slots, i));
	print_tasks(json_object_get(reply, "tasks"));
	print_last_deaths(slots, "slot");
	print_last_deaths(json_object_get(json_object_get(reply, "tasks"), "slots"), "task");
}
