/* SPDX-License-Identifier: MIT */
/*
 * status - what is told of the pool, as JSON
 *
 * Numbers of workers come from the board and can be anything; texts may be a client's request, and are made
 * UTF-8 of one line first.
 */
#include "parent/control.h"

#include "base/address.h"
#include "base/text.h"
#include "base/usage.h"
#include "parent/child.h"
#include "parent/crew.h"
#include "parent/custody.h"
#include "parent/hang.h"
#include "parent/poison.h"
#include "parent/reload.h"
#include "parent/stop.h"
#include "parent/takeover.h"
#include "parent/tasks.h"
#include "parent/totals.h"
#include "parent/upgrade.h"
#include "parent/weigh.h"

#include <inttypes.h>
#include <stdio.h>

json_int_t status_number(uint64_t value)
{
	return value < INT64_MAX ? (json_int_t)value : INT64_MAX;
}

json_t *status_tell_text(const char *from)
{
	char clean[1024];

	if (from[0] == '\0')
		return json_null();
	return json_stringn(clean, text_escape(from, TEXT_PLAIN, clean, sizeof(clean)));
}

/* ---- a slot ---- */

static json_t *tell_cpu(const struct board_row *row)
{
	uint64_t cpu = board_get(&row->cpu);

	return cpu > 0 ? json_integer(status_number(cpu - 1)) : json_null();
}

static json_t *tell_worker(const struct crew *crew, const struct child *child)
{
	const struct board_row *row;
	struct usage usage;

	if (!child)
		return json_null();
	row = child_row(crew, child);
	usage_read(child->pid, &usage);
	return json_pack("{s:i, s:I, s:I, s:b, s:I, s:I, s:I, s:I, s:I, s:b, s:I, s:f, s:o}",
			 "pid", (int)child->pid, "generation", (json_int_t)child->generation,
			 "uptime_ms", status_number(crew->now_ms - child->born_ms), "ready", child->ever_ready,
			 "connections", status_number(board_get(&row->connections)),
			 "in_flight", status_number(board_get(&row->in_flight)),
			 "accepted", status_number(board_get(&row->accepted)),
			 "requests", status_number(board_get(&row->requests)),
			 "lag_ms", status_number(child->ever_ready ? hang_silent_ms(crew, child) : 0),
			 "silent", child->silent, "rss_bytes", status_number(usage.rss_bytes), "cpu_s", usage.cpu_s,
			 "cpu", tell_cpu(row));
}

static json_t *tell_death(const struct crew *crew, const struct slot *slot)
{
	if (slot->died_ms == 0)
		return json_null();
	return json_pack("{s:o, s:I}", "how", status_tell_text(slot->death),
			 "ago_ms", status_number(crew->now_ms - slot->died_ms));
}

static json_t *tell_pid(const struct child *child)
{
	return child ? json_integer(child->pid) : json_null();
}

static json_t *tell_borrower(const struct slot *slot)
{
	return slot->borrower ? json_integer(slot->borrower->slot) : json_null();
}

static json_t *tell_slot(const struct crew *crew, const struct slot *slot, unsigned n_leaving)
{
	return json_pack("{s:i, s:s, s:o, s:o, s:i, s:i, s:o, s:I, s:o}",
			 "slot", (int)slot->index, "state", slot_state_name(slot->state),
			 "worker", tell_worker(crew, slot->incumbent), "successor", tell_pid(slot->successor),
			 "leaving", (int)n_leaving, "queued", (int)custody_n_queued(slot),
			 "lent_to", tell_borrower(slot), "restarts", (json_int_t)slot->n_restarts,
			 "last_death", tell_death(crew, slot));
}

static json_t *tell_slots(struct crew *crew)
{
	unsigned n_leaving[WORKERS_MAX] = { 0 };
	json_t *slots = json_array();

	child_each(crew, child) {
		const struct slot *slot = &crew->slots[child->slot];

		if (child->slot < crew->n_slots && slot->incumbent != child && slot->successor != child)
			n_leaving[child->slot]++;
	}
	slot_each(crew, slot) {
		if (json_array_append_new(slots, tell_slot(crew, slot, n_leaving[slot->index])) < 0) {
			json_decref(slots);
			return NULL;
		}
	}
	return slots;
}

/* ---- task processes ---- */

static json_t *tell_task_process(const struct crew *crew, const struct child *child)
{
	const struct board_row *row;
	struct usage usage;

	if (!child)
		return json_null();
	row = child_row(crew, child);
	usage_read(child->pid, &usage);
	return json_pack("{s:i, s:I, s:I, s:b, s:b, s:I, s:I, s:f}",
			 "pid", (int)child->pid, "generation", (json_int_t)child->generation,
			 "uptime_ms", status_number(crew->now_ms - child->born_ms), "ready", child->ever_ready,
			 "running", board_get(&row->in_flight) != 0, "done", status_number(board_get(&row->tasks_run)),
			 "rss_bytes", status_number(usage.rss_bytes), "cpu_s", usage.cpu_s);
}

static json_t *tell_task_slot(const struct crew *crew, const struct slot *slot)
{
	return json_pack("{s:i, s:s, s:o, s:o, s:I, s:o}", "task", (int)slot_number(slot->index),
			 "state", slot_state_name(slot->state), "process", tell_task_process(crew, slot->incumbent),
			 "successor", tell_pid(slot->successor), "restarts", (json_int_t)slot->n_restarts,
			 "last_death", tell_death(crew, slot));
}

/* Null where there are none. */
static json_t *tell_tasks(struct crew *crew)
{
	json_t *slots;

	if (crew->n_tasks == 0)
		return json_null();
	slots = json_array();
	task_each(crew, slot) {
		if (json_array_append_new(slots, tell_task_slot(crew, slot)) < 0) {
			json_decref(slots);
			return NULL;
		}
	}
	return json_pack("{s:i, s:i, s:I, s:I, s:o, s:o}",
			 "queued", (int)tasks_n_queued(crew), "queue", (int)crew->n_tickets_max,
			 "restarts", status_number(crew->n_task_restarts), "giveups", status_number(crew->n_task_giveups),
			 "totals", totals_tell_tasks(crew), "slots", slots);
}

/* ---- the pool ---- */

/* How many times its share the worker with the most connections has; null when there are none. */
static json_t *tell_imbalance(struct crew *crew)
{
	double most = 0, sum = 0;
	unsigned n = 0;

	slot_each(crew, slot) {
		double connections;

		if (!slot_is_served(slot->state) || !slot->incumbent)
			continue;
		connections = (double)board_get(&child_row(crew, slot->incumbent)->connections);
		most = connections > most ? connections : most;
		sum += connections;
		n++;
	}
	return sum > 0 ? json_real(most * n / sum) : json_null();
}

static json_t *tell_admin(const struct config *config)
{
	char address[ADDRESS_TEXT_BYTES];

	for (unsigned i = 0; i < config->n_listeners; i++)
		if (config_is_admin(config, i)) {
			address_format(&config->listen[i], address);
			return json_string(address);
		}
	return json_null();
}

json_t *status_tell_addresses(const struct config *config)
{
	json_t *addresses = json_array();

	for (unsigned i = 0; i < config->n_listeners; i++) {
		char address[LISTENER_TEXT_BYTES];

		if (config_is_admin(config, i))
			continue;
		config_format_listener(config, i, address);
		if (json_array_append_new(addresses, json_string(address)) < 0) {
			json_decref(addresses);
			return NULL;
		}
	}
	return addresses;
}

static json_t *tell_reload(struct crew *crew)
{
	return json_pack("{s:I, s:b, s:i, s:o}", "number", (json_int_t)crew->n_reloads, "running", crew->reloading,
			 "left", (int)reload_n_left(crew), "failure", status_tell_text(crew->reload_failure));
}

static json_t *tell_reopen(const struct crew *crew)
{
	return json_pack("{s:I, s:b}", "number", (json_int_t)crew->n_reopens, "running", crew->reopening);
}

static json_t *tell_parent(pid_t pid)
{
	return pid > 0 ? json_integer(pid) : json_null();
}

static json_t *tell_upgrade(const struct crew *crew)
{
	return json_pack("{s:b, s:o, s:o, s:o}", "running", upgrade_under_way(crew),
			 "failure", status_tell_text(crew->upgrade_failure),
			 "from", tell_parent(takeover_from(crew)), "to", tell_parent(crew->left_to));
}

/* Who of a group gets new connections; other models have no groups. */
static const char *balance_of(const struct crew *crew)
{
	return crew->config->options.model == BROOD_REUSEPORT ? weigh_name(crew) : NULL;
}

json_t *status_tell(struct crew *crew)
{
	return json_pack("{s:s, s:i, s:I, s:s, s:s?, s:o, s:s?, s:o, s:o, s:o, "
			 "s:b, s:b, s:b, s:i, s:b, s:o, s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:o}",
			 "brood", BROOD_VERSION, "pid", (int)crew->pid,
			 "uptime_ms", status_number(crew->now_ms - crew->born_ms),
			 "model", config_model_name(crew->config),
			 "engine", crew->engine_settled ? crew_engine_name(crew) : NULL,
			 "engine_why", status_tell_text(crew->engine_why), "balance", balance_of(crew),
			 "balance_why", status_tell_text(crew->why_not_least),
			 "listen", status_tell_addresses(crew->config), "admin", tell_admin(crew->config),
			 "ready", crew->was_ready, "pre_draining", crew->stop_at_ms != 0,
			 "stopping", crew->stopping != NOT_STOPPING,
			 "wanted", (int)crew->n_wanted, "scaling", crew->scale_ms != 0,
			 "reload", tell_reload(crew), "upgrade", tell_upgrade(crew),
			 "reopen", tell_reopen(crew),
			 "restarts", status_number(crew->n_restarts), "giveups", status_number(crew->n_giveups),
			 "imbalance", tell_imbalance(crew), "slots", tell_slots(crew),
			 "tasks", tell_tasks(crew), "state", totals_tell_state(crew),
			 "messages", totals_tell_messages(crew));
}

/* ---- poison ---- */

static json_t *tell_suspect(const struct suspect *s, uint64_t left_ms)
{
	char fingerprint[24];

	snprintf(fingerprint, sizeof(fingerprint), "%016" PRIx64, s->fingerprint);
	return json_pack("{s:s, s:o, s:I, s:I}",
			 "fingerprint", fingerprint, "request", status_tell_text(s->request),
			 "faults", (json_int_t)s->n_faults, "left_ms", status_number(left_ms));
}

static json_t *tell_quarantined(const struct crew *crew)
{
	json_t *rows = json_array();

	for (unsigned i = 0; i < POISON_MOST; i++) {
		const struct quarantine *q = &crew->quarantines[i];
		json_t *row;

		if (q->until_ms <= crew->now_ms)
			continue;
		row = tell_suspect(&q->culprit, q->until_ms - crew->now_ms);
		if (!row || json_object_set_new(row, "n", json_integer(i)) < 0 ||
		    json_array_append(rows, row) < 0) {
			json_decref(row);
			json_decref(rows);
			return NULL;
		}
		json_decref(row);
	}
	return rows;
}

static json_t *tell_suspects(const struct crew *crew)
{
	json_t *rows = json_array();

	for (const struct suspect *s = crew->suspects; s < crew->suspects + SUSPECTS_MOST; s++) {
		uint64_t left_ms = poison_suspected_ms(crew, s);

		if (left_ms > 0 && json_array_append_new(rows, tell_suspect(s, left_ms)) < 0) {
			json_decref(rows);
			return NULL;
		}
	}
	return rows;
}

json_t *status_tell_poison(const struct crew *crew)
{
	return json_pack("{s:o, s:o}", "quarantined", tell_quarantined(crew), "suspects", tell_suspects(crew));
}
