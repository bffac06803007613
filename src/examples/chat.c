/* SPDX-License-Identifier: MIT */
/*
 * chat - what one says in a line, all others read: chat [ADDRESS [WORKERS]], then nc 127.0.0.1 7000
 *
 * A line is taken when it is whole, told to the others of the same worker, and sent to the other workers, who tell
 * theirs. Who does not read misses lines, and is told how many; so are all when a worker could not take what
 * another sent.
 */
#include <brood.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MOST 1000

struct guest {
	struct brood_stream	*stream;
	struct guest		*next;
	struct guest		**back;		/* what points to us */
	unsigned		 n_missed;
	char			 name[BROOD_PEER_BYTES];
};

static struct guest *guests;
static unsigned n_unsent;	/* lines that the other workers have missed */

static void tell(struct guest *guest, const char *text, size_t len)
{
	char missed[64];
	int n;

	if (guest->n_missed > 0) {
		n = snprintf(missed, sizeof(missed), "* you missed %u lines\n", guest->n_missed);
		if (brood_stream_write(guest->stream, missed, (size_t)n) == 0)
			guest->n_missed = 0;
	}
	if (brood_stream_write(guest->stream, text, len) < 0)
		guest->n_missed++;
}

static void tell_all_but(const struct guest *who, const char *line, size_t len)
{
	for (struct guest *guest = guests; guest; guest = guest->next)
		if (guest != who)
			tell(guest, line, len);
}

/* It is copied. With no other worker there it is for nobody. */
static void tell_other_workers(const char *line, size_t len)
{
	if (brood_send(BROOD_TO_OTHERS, 0, line, len, -1) == -EAGAIN)
		n_unsent++;
}

static void on_message(const struct brood_message *message, void *arg)
{
	tell_all_but(NULL, message->data, message->len);
}

static void on_room(void *arg)
{
	char line[64];
	int n = snprintf(line, sizeof(line), "* you missed %u lines of another worker\n", n_unsent);

	if (n_unsent > 0 && brood_send(BROOD_TO_OTHERS, 0, line, (size_t)n, -1) != -EAGAIN)
		n_unsent = 0;
}

static void say(const struct guest *who, const char *text, size_t len)
{
	char line[BROOD_PEER_BYTES + LINE_MOST + 8];
	int n = snprintf(line, sizeof(line), "%s: %.*s\n", who->name, (int)len, text);

	tell_all_but(who, line, (size_t)n);
	tell_other_workers(line, (size_t)n);
}

static void on_open(struct brood_stream *stream, void *arg)
{
	struct guest *guest = calloc(1, sizeof(*guest));

	if (!guest) {
		brood_stream_close(stream);
		return;
	}
	brood_stream_set_user(stream, guest);
	if (brood_stream_peer(stream, guest->name) < 0)
		snprintf(guest->name, sizeof(guest->name), "somebody");
	guest->stream = stream;
	guest->next = guests;
	guest->back = &guests;
	if (guests)
		guests->back = &guest->next;
	guests = guest;
	say(guest, "is here", 7);
}

static size_t on_data(struct brood_stream *stream, const void *data, size_t len, void *arg)
{
	const char *end = memchr(data, '\n', len);
	struct guest *guest = brood_stream_user(stream);
	size_t n = end ? (size_t)(end - (const char *)data) : len;

	if (!end && len <= LINE_MOST)
		return 0;	/* more will come */
	if (n > LINE_MOST)
		brood_stream_close(stream);
	else if (guest)
		say(guest, data, n > 0 && end[-1] == '\r' ? n - 1 : n);
	return n + (end != NULL);
}

static void on_close(struct brood_stream *stream, int why, void *arg)
{
	struct guest *guest = brood_stream_user(stream);

	if (!guest)
		return;
	say(guest, "has left", 8);
	*guest->back = guest->next;
	if (guest->next)
		guest->next->back = guest->back;
	free(guest);
}

/* Nobody waits for who only listens. */
static void on_drain(struct brood_stream *stream, void *arg)
{
	static const char text[] = "* come again: this worker leaves\n";

	(void)brood_stream_write(stream, text, sizeof(text) - 1);
	brood_stream_close(stream);
}

int main(int argc, char **argv)
{
	static const struct brood_stream_events events = {
		.size = sizeof(events), .open = on_open, .data = on_data, .close = on_close, .drain = on_drain,
	};
	struct brood_options options = BROOD_OPTIONS_INIT;
	struct brood *brood;
	int code = BROOD_EXIT_NOT_STARTED;

	if (argc > 2)
		options.workers = (uint32_t)strtoul(argv[2], NULL, 10);
	if (brood_create(&options, &brood) < 0)
		return code;
	brood_on_message(on_message, NULL);
	brood_on_room(on_room, NULL);
	if (brood_listen_stream(brood, argc > 1 ? argv[1] : ":7000", &events, NULL) >= 0)
		code = brood_run(brood);
	brood_destroy(brood);
	return code;
}
