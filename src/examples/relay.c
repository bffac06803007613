/* SPDX-License-Identifier: MIT */
/*
 * relay - a handler that waits for others, and not a moment itself
 *
 *   brood serve --handler relay.so
 *
 *   /run?words=sort+-r    the program's output, with the request's body as its input
 *   /line?to=ADDRESS      connects there, sends the query's `say` and a line end, and answers with all that comes back
 *   /fetch?from=ADDRESS   what the server there answers to &target=/...; a POST is passed on
 *   /file?path=PATH       a file; POST writes it
 *   /later?ms=N           answers after two alarms of N ms each
 *
 * It trusts whoever asks: it is here to be read, not to be run where others can reach it.
 */
#include <brood.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BODY_MOST (4 * 1024 * 1024)
#define WORDS_MOST 16

static void respond_text(struct brood_request *r, int status, const char *text)
{
	brood_respond(r, status, "text/plain", text, strlen(text));
}

static void respond_error(struct brood_request *r, int error)
{
	char text[64];

	snprintf(text, sizeof(text), "%s\n", strerror(-error));
	respond_text(r, error == -ENOENT ? 404 : error == -ETIMEDOUT ? 504 : 502, text);
}

/* A request that waits, and what it has gathered. */
struct work {
	struct brood_request *request;
	struct brood_socket *socket;
	char		query[1024];
	char		*data;
	size_t		 len;
};

static void release(struct work *work)
{
	free(work->data);
	free(work);
}

static int gather(struct work *work, const void *data, size_t len)
{
	char *more = work->len + len <= BODY_MOST ? realloc(work->data, work->len + len + 1) : NULL;

	if (!more)
		return -ENOMEM;
	memcpy(more + work->len, data, len);
	work->data = more;
	work->len += len;
	return 0;
}

/* ---- a program ---- */

static void on_ended(struct brood_request *r, int code, const void *out, size_t out_len, const void *err, size_t err_len,
		     void *arg)
{
	char text[16];

	release(arg);
	if (!r)
		return;		/* nobody waits */
	if (code < 0) {
		respond_error(r, code);
		return;
	}
	snprintf(text, sizeof(text), "%d", code);
	brood_set_header(r, "X-Exit", text);
	brood_respond(r, 200, "text/plain", out_len > 0 ? out : err, out_len > 0 ? out_len : err_len);
}

static void run(struct work *work)
{
	struct brood_spawn_options options = BROOD_SPAWN_OPTIONS_INIT;
	const char *words[WORDS_MOST + 1] = { NULL };
	char *rest = work->query;
	int n = 0, error;

	options.in = work->data;
	options.in_len = work->len;
	while (n < WORDS_MOST && (words[n] = strsep(&rest, " ")) != NULL)
		n++;
	options.argv = words;
	options.timeout_ms = 5000;
	error = brood_spawn(work->request, &options, on_ended, work);
	if (error < 0) {
		respond_error(work->request, error);
		release(work);
	}
}

/* ---- a connection ---- */

static void on_data(struct brood_socket *socket, const void *data, size_t len, void *arg)
{
	struct work *work = arg;

	if (gather(work, data, len) == 0)
		return;
	brood_socket_close(socket);
	respond_text(work->request, 502, "it said too much\n");
	release(work);
}

static void on_close(struct brood_socket *socket, int error, void *arg)
{
	struct work *work = arg;

	if (error == 0)
		brood_respond(work->request, 200, "text/plain", work->data, work->len);
	else if (error != -ECANCELED)
		respond_error(work->request, error);
	release(work);
}

static void talk(struct work *work)
{
	struct brood_socket_events events = BROOD_SOCKET_EVENTS_INIT;
	char say[512];
	int error, n = brood_query_get(work->request, "say", say, sizeof(say) - 1);

	events.on_data = on_data;
	events.on_close = on_close;
	error = brood_connect(work->request, work->query, 1000, &events, work, &work->socket);
	if (error < 0) {
		respond_error(work->request, error);
		release(work);
		return;
	}
	if (n < 0)
		n = 0;
	say[n] = '\n';
	brood_socket_write(work->socket, say, (size_t)n + 1);
	brood_socket_shutdown(work->socket);
}

/* ---- another server ---- */

static void on_fetched(struct brood_request *r, int status, const struct brood_reply *reply, const void *body, size_t len,
		       void *arg)
{
	char type[128] = "application/octet-stream";
	const char *field;
	size_t n;

	release(arg);
	if (!r)
		return;
	if (status < 0) {
		respond_error(r, status);
		return;
	}
	field = brood_reply_field(reply, "Content-Type", &n);
	if (field && n < sizeof(type)) {
		memcpy(type, field, n);
		type[n] = '\0';
	}
	brood_respond(r, status, type, body, len);
}

static void fetch(struct work *work)
{
	struct brood_fetch_options options = BROOD_FETCH_OPTIONS_INIT;
	char target[512];
	int error, n = brood_query_get(work->request, "target", target, sizeof(target));

	options.address = work->query;
	options.method = brood_method(work->request);
	options.target = n > 0 ? target : "/";
	options.fields = "User-Agent: relay\r\n";
	options.body = work->data;
	options.body_len = work->len;
	options.timeout_ms = 1000;
	options.max_bytes = BODY_MOST;
	error = brood_fetch(work->request, &options, on_fetched, work);
	if (error < 0) {
		respond_error(work->request, error);
		release(work);
	}
}

/* ---- a file ---- */

static void on_file(struct brood_request *r, int error, const void *data, size_t len, void *arg)
{
	struct work *work = arg;

	if (r && error < 0)
		respond_error(r, error);
	else if (r)
		brood_respond(r, 200, "application/octet-stream", data, len);
	release(work);
}

static void use_file(struct work *work)
{
	int error;

	if (strcmp(brood_method(work->request), "POST") == 0)
		error = brood_write_file(work->request, work->query, work->data, work->len, 0, on_file, work);
	else
		error = brood_read_file(work->request, work->query, 0, on_file, work);
	if (error < 0) {
		respond_error(work->request, error);
		release(work);
	}
}

/* ---- time ---- */

static void on_second(struct brood_request *r, void *arg)
{
	respond_text(r, 200, "later\n");
}

static void on_first(struct brood_request *r, void *arg)
{
	unsigned ms = (unsigned)(size_t)arg;

	if (brood_alarm(r, ms, on_second, NULL, NULL) < 0)
		respond_text(r, 503, "no memory\n");
}

static void wait_twice(struct work *work)
{
	struct brood_alarm *never;
	unsigned ms = (unsigned)atoi(work->query);

	if (brood_alarm(work->request, 1, on_second, NULL, &never) == 0)
		brood_alarm_cancel(never);
	if (brood_alarm(work->request, ms, on_first, (void *)(size_t)ms, NULL) < 0)
		respond_text(work->request, 503, "no memory\n");
	release(work);
}

/* ---- the routes ---- */

static const struct route {
	const char	*path, *key;
	void		(*answer)(struct work *work);
} routes[] = {
	{ "/run",   "words", run },
	{ "/line",  "to",    talk },
	{ "/fetch", "from",  fetch },
	{ "/file",  "path",  use_file },
	{ "/later", "ms",    wait_twice },
};

static const struct route *route_of(const struct brood_request *r)
{
	size_t len;
	const char *path = brood_path(r, &len);

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		if (strlen(routes[i].path) == len && memcmp(routes[i].path, path, len) == 0)
			return &routes[i];
	return NULL;
}

static void on_left(struct brood_request *r, void *arg)
{
	release(arg);
}

static void on_body(struct brood_request *r, const void *data, size_t len, void *arg)
{
	struct work *work = arg;

	if (len > 0 && gather(work, data, len) == 0)
		return;
	brood_on_close(r, NULL, NULL);
	if (len == 0) {
		route_of(r)->answer(work);
		return;
	}
	respond_text(r, 413, "too much\n");
	release(work);
}

void brood_handle(struct brood_request *r)
{
	const struct route *route = route_of(r);
	struct work *work = route ? calloc(1, sizeof(*work)) : NULL;

	if (!work) {
		respond_text(r, route ? 503 : 404, route ? "no memory\n" : "404 Not Found\n");
		return;
	}
	work->request = r;
	if (brood_query_get(r, route->key, work->query, sizeof(work->query)) <= 0) {
		respond_text(r, 400, "something is missing\n");
		release(work);
		return;
	}
	brood_on_close(r, on_left, work);
	brood_read_body(r, on_body, work);
}
