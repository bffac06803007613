/* SPDX-License-Identifier: MIT */
/*
 * observe - events and messages become calls; who the workers are is remembered
 *
 * A worker is known from its fork until it has exited and is disconnected, as in Node's cluster.workers.
 */
#include "helper/helper.h"

#include "bridge/config.h"
#include "bridge/rights.h"
#include "message/public.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PACKETS_A_TURN 64

struct helper {
	const struct observer	*observers;
	struct mailbox		 box;
	struct brood_worker	*workers;
	unsigned		 n_workers;
	unsigned		 n_workers_max;
};

/* Of the process, for brood_worker_find(). */
static struct helper *self;

static const char *const names[] = {
	[BROOD_EVENT_SETUP] = "setup", [BROOD_EVENT_FORK] = "fork", [BROOD_EVENT_ONLINE] = "online",
	[BROOD_EVENT_LISTENING] = "listening", [BROOD_EVENT_MESSAGE] = "message", [BROOD_EVENT_SUICIDE] = "suicide",
	[BROOD_EVENT_DISCONNECT] = "disconnect", [BROOD_EVENT_EXIT] = "exit", [BROOD_EVENT_GIVEUP] = "giveup",
	[BROOD_EVENT_HUNG] = "hung", [BROOD_EVENT_MISSED] = "missed",
};

/* ---- workers ---- */

static struct brood_worker *find(struct helper *h, uint32_t id)
{
	for (unsigned i = 0; i < h->n_workers; i++)
		if (h->workers[i].id == id)
			return &h->workers[i];
	return NULL;
}

static void add(struct helper *h, const struct event_note *note)
{
	if (h->n_workers == h->n_workers_max) {
		struct brood_worker *more = realloc(h->workers, (h->n_workers_max + 64) * sizeof(*more));

		if (!more)
			return;
		h->workers = more;
		h->n_workers_max += 64;
	}
	h->workers[h->n_workers++] = (struct brood_worker){
		.id = note->id,
		.slot = note->slot,
		.generation = note->generation,
		.pid = note->pid,
		.is_connected = 1,
	};
}

static struct brood_worker know(struct helper *h, const struct event_note *note)
{
	struct brood_worker *worker = note->id ? find(h, note->id) : NULL;

	if (!worker && (note->type == BROOD_EVENT_FORK || note->type == BROOD_N_EVENTS)) {
		add(h, note);
		worker = find(h, note->id);
	}
	if (!worker)
		return (struct brood_worker){
			.id = note->id, .slot = note->slot, .generation = note->generation, .pid = note->pid,
		};
	if (note->type == BROOD_EVENT_DISCONNECT)
		worker->is_connected = 0;
	if (note->type == BROOD_EVENT_EXIT) {
		worker->is_dead = 1;
		worker->exited_after_disconnect = note->exited_after_disconnect;
	}
	return *worker;
}

/* It was read before the function is called: the last of both events finds it gone. */
static void forget_if_gone(struct helper *h, uint32_t id)
{
	struct brood_worker *worker = find(h, id);

	if (worker && worker->is_dead && !worker->is_connected)
		*worker = h->workers[--h->n_workers];
}

int brood_worker_find(uint32_t id, struct brood_worker *ret_worker)
{
	const struct brood_worker *worker = self && id ? find(self, id) : NULL;

	if (!worker)
		return -ENOENT;
	*ret_worker = *worker;
	return 0;
}

/* ---- what comes ---- */

static void call(struct helper *h, const struct brood_event *event)
{
	const struct observer *o = &h->observers[event->type];

	if (o->fn)
		o->fn(event, o->arg);
}

static void on_event(const struct event_note *note, void *arg)
{
	struct helper *h = arg;
	struct brood_event event = {
		.worker = know(h, note), .time_ms = note->time_ms, .cause = note->cause[0] ? note->cause : NULL,
		.exit_code = note->exit_code, .signal = note->signal, .address_type = note->address_type,
		.address = note->address[0] ? note->address : NULL, .port = note->port, .n = note->n,
	};

	if (note->type >= BROOD_N_EVENTS)
		return;
	event.type = (enum brood_event_type)note->type;
	event.name = names[note->type];
	forget_if_gone(h, note->id);
	call(h, &event);
}

static void on_message(const struct brood_message *message, void *arg)
{
	struct helper *h = arg;
	const struct brood_worker *worker = message->from_id ? find(h, message->from_id) : NULL;
	struct brood_event event = {
		.type = BROOD_EVENT_MESSAGE, .name = names[BROOD_EVENT_MESSAGE], .message = message,
		.worker = { .id = message->from_id, .slot = message->from_slot },
	};

	if (worker)
		event.worker = *worker;
	call(h, &event);
}

static bool is_wanted(void *arg)
{
	const struct helper *h = arg;

	return h->observers[BROOD_EVENT_MESSAGE].fn != NULL;
}

static const struct mailbox_ops ops = {
	.message = on_message,
	.returned = public_returned,
	.event = on_event,
	.room = public_room,
	.wanted = is_wanted,
};

/* ---- life ---- */

struct helper *helper_create(const struct config *config, int mail_fd, _Atomic uint64_t *progress)
{
	struct helper *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->observers = config->observers;
	mailbox_init(&h->box, mail_fd, &ops, h);
	h->box.progress = progress;
	public_set_mailbox(&h->box);
	self = h;
	return h;
}

void helper_destroy(struct helper *h)
{
	if (!h)
		return;
	public_set_mailbox(NULL);
	self = NULL;
	mailbox_finish(&h->box);
	free(h->workers);
	free(h);
}

enum helper_state helper_turn(struct helper *h, int has_room)
{
	int r;

	if (has_room)
		mailbox_room(&h->box);
	r = mailbox_receive(&h->box, PACKETS_A_TURN);
	if (mailbox_flush(&h->box))
		return r < 0 ? HELPER_OVER : HELPER_FULL;
	return r < 0 ? HELPER_OVER : r > 0 ? HELPER_MORE : HELPER_IDLE;
}
