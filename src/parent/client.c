/* SPDX-License-Identifier: MIT */
/*
 * client - one client of the control socket: a request in, its reply out, then the next
 *
 * It is not read from while it has a reply to take, and one request is run a turn, so that nobody can keep the
 * parent busy or have it hold more than one line and one reply.
 */
#include "parent/control.h"

#include "parent/crew.h"
#include "parent/event.h"
#include "parent/loop.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static const char too_long[] = "{\"ok\":false,\"version\":1,\"error\":\"a request has at most 4096 bytes\"}\n";
_Static_assert(CONTROL_REQUEST_MAX == 4096 && CONTROL_VERSION == 1, "as too_long says");

void client_close(struct client *client)
{
	close(client->fd);
	free(client->out);
	*client = (struct client){ .serial = 0 };
}

static const char *end_of_line(const struct client *client)
{
	return memchr(client->in, '\n', client->n_in);
}

/* Return: false when nobody takes it any more. */
static bool flush(struct client *client)
{
	while (client->n_sent < client->n_out) {
		ssize_t n = send(client->fd, client->out + client->n_sent, client->n_out - client->n_sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0)
			return errno == EAGAIN;
		client->n_sent += (size_t)n;
	}
	free(client->out);
	client->out = NULL;
	client->n_out = client->n_sent = 0;
	return true;
}

/* Return: false when there is no memory for it, or it has too much to take already. */
static bool append(struct client *client, const char *line, size_t len)
{
	char *wider;

	if (client->n_out - client->n_sent + len > CONTROL_BACKLOG_MAX)
		return false;
	wider = realloc(client->out, client->n_out + len);
	if (!wider)
		return false;
	memcpy(wider + client->n_out, line, len);
	client->out = wider;
	client->n_out += len;
	return true;
}

static bool receive(struct client *client)
{
	ssize_t n = recv(client->fd, client->in + client->n_in, sizeof(client->in) - client->n_in, MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN;
	client->ended = n == 0;
	client->n_in += (size_t)n;
	return true;
}

static void reply(struct crew *crew, struct client *client, char *text, size_t len)
{
	client->out = text;
	client->n_out = len;
	client->n_sent = 0;
	client->heard_ms = crew->now_ms;
}

/* What it had already sent is of no interest any more. */
static void begin_listening(struct crew *crew, struct client *client)
{
	json_t *setup = event_setup(crew);
	size_t len;
	char *line = command_print(setup, &len);

	client->listens = true;
	client->n_in = 0;
	if (line)
		(void)append(client, line, len);
	free(line);
	json_decref(setup);
}

/* Return: false when there is no memory for an answer. */
static bool answer(struct crew *crew, struct client *client, const char *end)
{
	size_t len = (size_t)(end - client->in), n;
	bool listens = false;
	char *text = command_run(crew, client->in, len, &n, &listens);

	client->n_in -= len + 1;
	memmove(client->in, end + 1, client->n_in);
	if (text)
		reply(crew, client, text, n);
	if (text && listens)
		begin_listening(crew, client);
	return text != NULL;
}

static bool refuse_length(struct crew *crew, struct client *client)
{
	char *text = strdup(too_long);

	client->ended = true;
	client->n_in = 0;
	if (text)
		reply(crew, client, text, sizeof(too_long) - 1);
	return text != NULL;
}

/* Return: false when there is no memory for an answer. */
static bool run_next(struct crew *crew, struct client *client)
{
	const char *end = end_of_line(client);

	if (end)
		return answer(crew, client, end);
	return client->n_in < sizeof(client->in) || refuse_length(crew, client);
}

static void tell_missed(struct client *client)
{
	char line[64];
	int len = snprintf(line, sizeof(line), "{\"event\":\"missed\",\"n\":%" PRIu64 "}\n", client->n_missed);

	if (append(client, line, (size_t)len))
		client->n_missed = 0;
}

/* It says nothing any more, but that it goes. */
static bool listen_on(struct client *client)
{
	if (!client->out && !receive(client))
		return false;
	client->n_in = 0;
	if (!flush(client))
		return false;
	if (!client->out && client->n_missed > 0)
		tell_missed(client);
	return !client->ended;
}

/* Return: false when it is to be closed: it broke, or has left with all its replies. */
static bool advance(struct crew *crew, struct client *client)
{
	if (client->listens)
		return listen_on(client);
	if (!client->out) {
		if (!end_of_line(client) && !receive(client))
			return false;
		if (!run_next(crew, client))
			return false;
	}
	return flush(client) && (client->out || !client->ended || end_of_line(client));
}

/* One who has a line waiting with us has its next turn as soon as there is room for a reply: mostly at once. */
static bool await(struct crew *crew, struct client *client)
{
	bool is_to_take = client->out || end_of_line(client);

	if (client->listens && !is_to_take)
		client->deadline_ms = 0;
	else if (!client->listens || client->deadline_ms == 0)
		client->deadline_ms = (client->listens ? crew->now_ms : client->heard_ms) +
				      (is_to_take ? CONTROL_TAKE_MS : CONTROL_IDLE_MS);
	return loop_rewatch(crew, client->fd, is_to_take ? EPOLLOUT : EPOLLIN, client->tag) == 0;
}

void client_tell(struct crew *crew, struct client *client, const char *line, size_t len)
{
	if (!append(client, line, len))
		client->n_missed++;
	if (!flush(client) || !await(crew, client))
		client_close(client);
}

void client_leave(struct crew *crew, struct client *client)
{
	(void)advance(crew, client);	/* what came just now is answered: that the pool is stopping, mostly */
	client_close(client);
}

void client_on(struct crew *crew, struct client *client)
{
	if (!advance(crew, client) || !await(crew, client))
		client_close(client);
}
