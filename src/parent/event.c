/* SPDX-License-Identifier: MIT */
/*
 * event - what happens in the pool, told to those who listen on the control socket
 *
 * The names and their order are those of Node's cluster where it has them; slot, generation and cause are ours.
 * Nothing is composed while nobody listens. The functions of brood_on() are told by the way (herald.c).
 */
#include "parent/event.h"

#include "base/stamp.h"
#include "parent/child.h"
#include "parent/control.h"
#include "parent/crew.h"
#include "parent/notes.h"
#include "parent/obituary.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* Takes both; what there is no memory for is not told. */
static void tell(struct crew *crew, const char *name, json_t *about, json_t *more)
{
	char time[STAMP_BYTES];
	json_t *event;

	stamp_now(time);
	event = json_pack("{s:s, s:s}", "event", name, "time", time);
	if (event && (!about || json_object_update(event, about) == 0) &&
	    (!more || json_object_update(event, more) == 0))
		control_publish(crew, event);
	json_decref(event);
	json_decref(about);
	json_decref(more);
}

static json_t *about_child(const struct child *child)
{
	return json_pack("{s:i, s:i, s:I, s:I}", slot_is_task(child->slot) ? "task" : "slot",
			 (int)slot_number(child->slot), "pid", (int)child->pid,
			 "generation", (json_int_t)child->generation, "id", (json_int_t)child->serial);
}

static void tell_child(struct crew *crew, const char *name, const struct child *child, json_t *more)
{
	tell(crew, name, about_child(child), more);
}

/* ---- workers ---- */

void event_fork(struct crew *crew, const struct child *child, const char *cause)
{
	notes_fork(crew, child, cause);
	if (control_is_heard(crew))
		tell_child(crew, "fork", child, json_pack("{s:o}", "cause", status_tell_text(cause)));
}

void event_online(struct crew *crew, const struct child *child)
{
	notes_online(crew, child);
	if (control_is_heard(crew))
		tell_child(crew, "online", child,
			   json_pack("{s:I}", "took_ms", (json_int_t)(crew->now_ms - child->born_ms)));
}

void event_listening(struct crew *crew, const struct child *child)
{
	notes_listening(crew, child);
	if (control_is_heard(crew))
		tell_child(crew, "listening", child,
			   json_pack("{s:o}", "listen", status_tell_addresses(crew->config)));
}

void event_suicide(struct crew *crew, const struct child *child)
{
	notes_suicide(crew, child);
	if (control_is_heard(crew))
		tell_child(crew, "suicide", child, json_pack("{s:o}", "cause", status_tell_text(child->wish)));
}

void event_disconnect(struct crew *crew, const struct child *child)
{
	notes_disconnect(crew, child);
	if (control_is_heard(crew))
		tell_child(crew, "disconnect", child, NULL);
}

static json_t *tell_code(const struct obituary *o)
{
	return o->exit_code >= 0 ? json_integer(o->exit_code) : json_null();
}

static json_t *tell_signal(const struct obituary *o)
{
	const char *name = o->signal ? sigabbrev_np(o->signal) : NULL;

	if (name)
		return json_sprintf("SIG%s", name);
	return o->signal ? json_sprintf("signal %d", o->signal) : json_null();
}

void event_exit(struct crew *crew, const struct child *child, const struct obituary *o, bool was_told)
{
	char how[512];

	notes_exit(crew, child, o, was_told);
	if (!control_is_heard(crew))
		return;
	obituary_tell(o, how, sizeof(how));
	tell_child(crew, "exit", child,
		   json_pack("{s:o, s:o, s:b, s:o, s:I, s:I}", "code", tell_code(o), "signal", tell_signal(o),
			     "exited_after_disconnect", was_told && child->drained && o->exit_code == 0,
			     "cause", status_tell_text(how), "lived_ms", (json_int_t)o->lived_ms,
			     "cut", (json_int_t)child_n_cut(crew, child)));
}

void event_hung(struct crew *crew, const struct child *child, uint64_t silent_ms, bool aborted)
{
	notes_hung(crew, child, silent_ms);
	if (control_is_heard(crew))
		tell_child(crew, "hung", child,
			   json_pack("{s:I, s:b}", "silent_ms", (json_int_t)silent_ms, "aborted", aborted));
}

void event_steer(struct crew *crew, const struct slot *slot)
{
	if (control_is_heard(crew))
		tell(crew, "steer", json_pack("{s:i, s:b}", "slot", (int)slot->index, "around", slot->around),
		     NULL);
}

void event_giveup(struct crew *crew, const struct slot *slot, const struct obituary *o)
{
	char how[256];

	if (!control_is_heard(crew) && !crew->notes)
		return;
	obituary_tell_briefly(o, how, sizeof(how));
	notes_giveup(crew, slot, how);
	if (!control_is_heard(crew))
		return;
	tell(crew, "giveup", json_pack("{s:i, s:o}", slot_is_task(slot->index) ? "task" : "slot",
				      (int)slot_number(slot->index), "cause", status_tell_text(how)), NULL);
}

/* ---- the pool ---- */

json_t *event_setup(struct crew *crew)
{
	const struct brood_options *o = &crew->config->options;
	char time[STAMP_BYTES];

	stamp_now(time);
	return json_pack("{s:s, s:s, s:i, s:s, s:i, s:o, s:I, s:I}", "event", "setup", "time", time,
			 "pid", (int)crew->pid, "model", config_model_name(crew->config),
			 "workers", (int)crew->n_wanted, "listen", status_tell_addresses(crew->config),
			 "surge", (json_int_t)o->surge, "drain_timeout_ms", (json_int_t)o->drain_timeout_ms);
}

void event_setup_all(struct crew *crew)
{
	json_t *setup;

	notes_setup(crew);
	if (!control_is_heard(crew))
		return;
	setup = event_setup(crew);
	control_publish(crew, setup);
	json_decref(setup);
}

void event_pool(struct crew *crew, const char *name, const char *state, const char *cause)
{
	if (control_is_heard(crew))
		tell(crew, name, json_pack("{s:s, s:o}", "state", state, "cause", status_tell_text(cause)), NULL);
}

void event_poison(struct crew *crew, const char *state, const struct suspect *s)
{
	char fingerprint[24];

	if (!control_is_heard(crew))
		return;
	snprintf(fingerprint, sizeof(fingerprint), "%016" PRIx64, s->fingerprint);
	tell(crew, "poison", json_pack("{s:s, s:s, s:o, s:I}", "state", state, "fingerprint", fingerprint,
				       "request", status_tell_text(s->request),
				       "faults", (json_int_t)s->n_faults), NULL);
}
