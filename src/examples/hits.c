/* SPDX-License-Identifier: MIT */
/*
 * hits - a board of hits that all workers share by messages
 *
 * Each worker tells the callbacks of a hit; they count, tell all workers, and any worker that is born later.
 */
#include <brood.h>

#include <stdio.h>
#include <string.h>

static unsigned long hits;	/* in the callbacks: all; in a worker: as it was told last */

static void on_message(const struct brood_message *message, void *arg)
{
	if (message->from_id == 0 && message->len == sizeof(hits))
		memcpy(&hits, message->data, sizeof(hits));
}

static void on_hit(const struct brood_event *event, void *arg)
{
	hits++;
	brood_send(BROOD_TO_ALL, 0, &hits, sizeof(hits), -1);
}

static void on_online(const struct brood_event *event, void *arg)
{
	brood_send(BROOD_TO_WORKER, event->worker.id, &hits, sizeof(hits), -1);
}

static void on_exit_of(const struct brood_event *event, void *arg)
{
	if (!event->worker.exited_after_disconnect)
		fprintf(stderr, "worker %u of slot %u %s\n", event->worker.id, event->worker.slot, event->cause);
}

static void handle(struct brood_request *request, void *arg)
{
	char text[64];
	int len = snprintf(text, sizeof(text), "%lu before you, says worker %u\n", hits, brood_id());

	brood_send(BROOD_TO_PARENT, 0, NULL, 0, -1);
	brood_respond(request, 200, "text/plain", text, (size_t)len);
}

int main(int argc, char **argv)
{
	struct brood *brood;

	if (brood_create(NULL, &brood) < 0 || brood_listen(brood, argc > 1 ? argv[1] : ":8080") < 0)
		return 1;
	brood_http(brood, handle, NULL);
	brood_on_message(on_message, NULL);
	brood_on(brood, BROOD_EVENT_MESSAGE, on_hit, NULL);
	brood_on(brood, BROOD_EVENT_ONLINE, on_online, NULL);
	brood_on(brood, BROOD_EVENT_EXIT, on_exit_of, NULL);
	return brood_run(brood);
}
