/* SPDX-License-Identifier: MIT */
/*
 * proxy - passes connections on: proxy LISTEN TO [WORKERS], as in proxy :8080 127.0.0.1:9090
 *
 * Bytes are passed on as they come, both ways, and so is the end of either side while the other goes on. Who does
 * not read is not read for: what is held of a connection is bounded, by what brood_stream_write() and
 * brood_socket_write() take and one piece. A server that cannot be reached, or resets, has the client's connection
 * closed.
 */
#include <brood.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_MS 5000

struct passage {
	struct brood_stream	*client;	/* NULL = it has closed; what it said last is being sent */
	struct brood_socket	*server;	/* NULL = it has closed */
	bool			 client_ended;
	char			*held;		/* of the server, that its client had no room for */
	size_t			 n_held;
};

static const char *server_address;

static void release(struct passage *p)
{
	if (p->client || p->server)
		return;
	free(p->held);
	free(p);
}

/* Both at once. */
static void give_up(struct passage *p)
{
	if (p->client)
		brood_stream_close(p->client);	/* its close event does the rest */
}

/* ---- from the server ---- */

/* Return: whether it is held, or 0 bytes. */
static bool hold(struct passage *p, const void *data, size_t len)
{
	p->held = malloc(len);
	if (!p->held)
		return false;
	memcpy(p->held, data, len);
	p->n_held = len;
	brood_socket_pause(p->server);
	return true;
}

static void on_server_data(struct brood_socket *socket, const void *data, size_t len, void *arg)
{
	struct passage *p = arg;
	int r = p->client ? brood_stream_write(p->client, data, len) : 0;

	if (r == -EAGAIN && !hold(p, data, len))
		give_up(p);
}

static void on_client_writable(struct brood_stream *stream, void *arg)
{
	struct passage *p = brood_stream_user(stream);

	if (!p || !p->held || !p->server || brood_stream_write(stream, p->held, p->n_held) == -EAGAIN)
		return;
	free(p->held);
	p->held = NULL;
	brood_socket_resume(p->server);
}

static void on_server_end(struct brood_socket *socket, void *arg)
{
	struct passage *p = arg;

	if (p->client)
		(void)brood_stream_end(p->client);
}

static void on_server_close(struct brood_socket *socket, int error, void *arg)
{
	struct passage *p = arg;

	p->server = NULL;
	if (error < 0)
		give_up(p);
	else if (p->client)
		(void)brood_stream_end(p->client);
	release(p);
}

/* ---- from the client ---- */

static void on_server_writable(struct brood_socket *socket, void *arg)
{
	struct passage *p = arg;

	if (p->client)
		brood_stream_resume(p->client);
}

static size_t on_client_data(struct brood_stream *stream, const void *data, size_t len, void *arg)
{
	struct passage *p = brood_stream_user(stream);
	int r = p && p->server ? brood_socket_write(p->server, data, len) : -EPIPE;

	if (r == -EAGAIN) {
		brood_stream_pause(stream);
		return 0;
	}
	if (r < 0)
		brood_stream_close(stream);
	return len;
}

static void on_client_end(struct brood_stream *stream, void *arg)
{
	struct passage *p = brood_stream_user(stream);

	if (!p)
		return;
	p->client_ended = true;
	if (p->server)
		(void)brood_socket_shutdown(p->server);
}

/* With both ends said, what the client has sent still goes to a server that reads slowly. */
static void on_client_close(struct brood_stream *stream, int why, void *arg)
{
	struct passage *p = brood_stream_user(stream);

	if (!p)
		return;
	p->client = NULL;
	if (why != 0 || !p->client_ended) {
		brood_socket_close(p->server);
		p->server = NULL;
	}
	release(p);
}

static void on_open(struct brood_stream *stream, void *arg)
{
	static const struct brood_socket_events events = {
		.size = sizeof(events), .on_data = on_server_data, .on_writable = on_server_writable,
		.on_end = on_server_end, .on_close = on_server_close,
	};
	struct passage *p = calloc(1, sizeof(*p));

	if (!p || brood_connect(NULL, server_address, CONNECT_MS, &events, p, &p->server) < 0) {
		free(p);
		brood_stream_close(stream);
		return;
	}
	p->client = stream;
	brood_stream_set_user(stream, p);
}

int main(int argc, char **argv)
{
	static const struct brood_stream_events events = {
		.size = sizeof(events), .open = on_open, .data = on_client_data, .writable = on_client_writable,
		.end = on_client_end, .close = on_client_close,
	};
	struct brood_options options = BROOD_OPTIONS_INIT;
	struct brood *brood;
	int code = BROOD_EXIT_NOT_STARTED;

	if (argc < 3) {
		fprintf(stderr, "usage: proxy LISTEN TO [WORKERS]\n");
		return BROOD_EXIT_USAGE;
	}
	server_address = argv[2];
	if (argc > 3)
		options.workers = (uint32_t)strtoul(argv[3], NULL, 10);
	if (brood_create(&options, &brood) < 0)
		return code;
	if (brood_listen_stream(brood, argv[1], &events, NULL) >= 0)
		code = brood_run(brood);
	brood_destroy(brood);
	return code;
}
