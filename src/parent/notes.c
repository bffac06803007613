/* SPDX-License-Identifier: MIT */
/*
 * notes - what happens to workers, written down for the functions of brood_on()
 *
 * Each note goes to the helper process at once. What there is no room for waits here, a bounded number, in its
 * turn; what comes beyond that is only counted, and the count is told when there is room again.
 */
#include "parent/notes.h"

#include "base/address.h"
#include "message/packet.h"
#include "parent/child.h"
#include "parent/crew.h"
#include "parent/herald.h"
#include "parent/obituary.h"
#include "parent/post.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PENDING_MOST 256

struct notes {
	uint64_t	 n_missed;
	unsigned	 first, n_pending;
	struct event_note pending[PENDING_MOST];
};

static uint64_t wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Return: whether it is told. */
static bool tell_now(struct crew *crew, const struct event_note *note)
{
	if (!crew->post->helper || !post_tell_helper(crew, note))
		return false;
	herald_expect(crew);
	return true;
}

static void tell_missed(struct crew *crew)
{
	struct event_note note = { .type = BROOD_EVENT_MISSED, .n = crew->notes->n_missed, .time_ms = wall_ms() };

	if (crew->notes->n_missed > 0 && tell_now(crew, &note))
		crew->notes->n_missed = 0;
}

void notes_send(struct crew *crew)
{
	struct notes *notes = crew->notes;

	while (notes && notes->n_pending > 0 && tell_now(crew, &notes->pending[notes->first])) {
		notes->first = (notes->first + 1) % PENDING_MOST;
		notes->n_pending--;
	}
	if (notes && notes->n_pending == 0)
		tell_missed(crew);
}

void notes_missed(struct crew *crew)
{
	if (crew->notes)
		crew->notes->n_missed++;
}

static void tell(struct crew *crew, struct event_note *note)
{
	struct notes *notes = crew->notes;

	note->time_ms = wall_ms();
	notes_send(crew);
	if (notes->n_pending == 0 && notes->n_missed == 0 && tell_now(crew, note))
		return;
	if (notes->n_pending == PENDING_MOST)
		notes->n_missed++;
	else
		notes->pending[(notes->first + notes->n_pending++) % PENDING_MOST] = *note;
}

static struct event_note about(const struct child *child, uint32_t type)
{
	return (struct event_note){
		.type = type,
		.id = child->serial,
		.slot = child->slot,
		.generation = child->generation,
		.pid = child->pid,
	};
}

/* Task processes are no workers. */
static bool is_told(const struct crew *crew, unsigned slot)
{
	return crew->notes && !slot_is_task(slot);
}

static void add_cause(struct event_note *note, const char *cause)
{
	snprintf(note->cause, sizeof(note->cause), "%.*s", (int)sizeof(note->cause) - 1, cause ? cause : "");
}

/* ---- their life ---- */

int notes_create(struct crew *crew)
{
	crew->notes = calloc(1, sizeof(*crew->notes));
	return crew->notes ? 0 : -ENOMEM;
}

void notes_destroy(struct crew *crew)
{
	free(crew->notes);
	crew->notes = NULL;
}

bool notes_are_sent(const struct crew *crew)
{
	return crew->notes->n_pending == 0;
}

void notes_introduce(struct crew *crew)
{
	child_each(crew, child) {
		struct event_note note = about(child, BROOD_N_EVENTS);

		if (!child->buried && is_told(crew, child->slot))
			(void)tell_now(crew, &note);
	}
}

/* ---- what happens ---- */

void notes_setup(struct crew *crew)
{
	struct event_note note = { .type = BROOD_EVENT_SETUP, .n = crew->n_wanted, .pid = crew->pid };

	if (crew->notes)
		tell(crew, &note);
}

static void tell_child(struct crew *crew, const struct child *child, uint32_t type, const char *cause)
{
	struct event_note note = about(child, type);

	if (!is_told(crew, child->slot))
		return;
	add_cause(&note, cause);
	tell(crew, &note);
}

void notes_fork(struct crew *crew, const struct child *child, const char *cause)
{
	tell_child(crew, child, BROOD_EVENT_FORK, cause);
}

void notes_online(struct crew *crew, const struct child *child)
{
	tell_child(crew, child, BROOD_EVENT_ONLINE, NULL);
}

/* "127.0.0.1:8080" or "[::1]:8080" in two; of a UNIX socket its path, and -1, as Node has it. */
static void add_address(struct event_note *note, const struct address *address)
{
	char text[ADDRESS_TEXT_BYTES], *colon, *host = text;

	address_format(address, text);
	if (address_is_unix(address)) {
		note->address_type = -1;
		note->port = 0;
		snprintf(note->address, sizeof(note->address), "%s", text + strlen("unix:"));
		return;
	}
	note->address_type = text[0] == '[' ? 6 : 4;
	note->port = address_port(address);
	colon = strrchr(text, ':');
	if (colon)
		*colon = '\0';
	if (host[0] == '[') {
		host++;
		host[strcspn(host, "]")] = '\0';
	}
	snprintf(note->address, sizeof(note->address), "%s", host);
}

void notes_listening(struct crew *crew, const struct child *child)
{
	struct event_note note = about(child, BROOD_EVENT_LISTENING);

	if (!is_told(crew, child->slot))
		return;
	for (unsigned i = 0; i < crew->config->n_listeners; i++) {
		add_address(&note, &crew->config->listen[i]);
		tell(crew, &note);
	}
}

void notes_suicide(struct crew *crew, const struct child *child)
{
	tell_child(crew, child, BROOD_EVENT_SUICIDE, child->wish);
}

void notes_disconnect(struct crew *crew, const struct child *child)
{
	tell_child(crew, child, BROOD_EVENT_DISCONNECT, NULL);
}

void notes_exit(struct crew *crew, const struct child *child, const struct obituary *o, bool was_told)
{
	struct event_note note = about(child, BROOD_EVENT_EXIT);
	char how[512];

	if (!is_told(crew, child->slot))
		return;
	note.exit_code = o->exit_code;
	note.signal = o->signal;
	note.exited_after_disconnect = was_told && child->drained && o->exit_code == 0;
	obituary_tell(o, how, sizeof(how));
	add_cause(&note, how);
	tell(crew, &note);
}

void notes_hung(struct crew *crew, const struct child *child, uint64_t silent_ms)
{
	struct event_note note = about(child, BROOD_EVENT_HUNG);

	note.n = silent_ms;
	if (is_told(crew, child->slot))
		tell(crew, &note);
}

void notes_giveup(struct crew *crew, const struct slot *slot, const char *cause)
{
	struct event_note note = { .type = BROOD_EVENT_GIVEUP, .slot = slot->index };

	add_cause(&note, cause);
	if (is_told(crew, slot->index))
		tell(crew, &note);
}
