/* SPDX-License-Identifier: MIT */
/*
 * fetch - one request to another server, and its response as a whole
 *
 * A connection is kept for the next fetch only when the response ended by its own framing and nothing came behind it.
 */
#include "async/answer.h"
#include "async/async.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS	30000
#define BODY_MOST	(16 * 1024 * 1024)

struct fetch {
	struct affair	 affair;
	struct link	*link;		/* NULL = gone */
	struct alarm	 late;
	struct bytes	 asked;		/* the request, as it is sent */
	size_t		 unsent;	/* from here on */
	struct answer	 answer;
	bool		 may_repeat;	/* on a new connection: it changes nothing, and the first was an old one */
	int		 status;
	brood_fetch_fn	*done;
	void		*arg;
	char		 address[LINK_ADDRESS_BYTES];
};

static int append_text(struct bytes *text, const char *string)
{
	return bytes_append(text, string, strlen(string));
}

/* ---- the end ---- */

static void release(struct fetch *f)
{
	reactor_alarm(async_reactor(), &f->late, ENGINE_NEVER);
	if (f->link)
		link_close(f->link);
	free(f->asked.at);
	answer_finish(&f->answer);
	free(f);
}

static void tell(struct brood_request *request, void *arg)
{
	const struct fetch *f = arg;
	const struct answer *a = &f->answer;
	bool good = f->status > 0;

	f->done(f->status == -ECANCELED ? NULL : request, f->status, good ? &a->reply : NULL,
		good && a->body.at ? a->body.at : "", good ? a->body.len : 0, f->arg);
}

static void finish(struct fetch *f, int status)
{
	f->status = status;
	if (f->link && status < 0) {
		link_close(f->link);
		f->link = NULL;
	}
	affair_end(&f->affair);
	affair_call(f->affair.request, tell, f);
	release(f);
}

static void cancel(struct affair *affair, bool is_told)
{
	struct fetch *f = (struct fetch *)affair;

	f->status = -ECANCELED;
	if (is_told)
		(void)call_outside(affair->request, tell, f);
	release(f);
}

static void on_late(void *arg)
{
	finish(arg, -ETIMEDOUT);
}

/* The answer is whole. */
static void complete(struct fetch *f)
{
	struct link *link = f->link;

	if (link && !answer_ends_connection(&f->answer) && f->unsent == f->asked.len) {
		f->link = NULL;
		link_keep(link);
	}
	finish(f, f->answer.reply.http.status);
}

void fetch_on_data(struct fetch *f, const char *data, size_t len)
{
	int r = answer_take(&f->answer, data, len);

	f->may_repeat = false;
	if (r > 0)
		complete(f);
	else if (r < 0)
		finish(f, r);
}

/* ---- the request ---- */

static void send_rest(struct fetch *f)
{
	int r = brood_socket_write(f->link->socket, f->asked.at + f->unsent, f->asked.len - f->unsent);

	if (r == 0)
		f->unsent = f->asked.len;
}

/* Return: 0 or -errno. What cannot be written is heard of by the connection's end. */
static int send_off(struct fetch *f, bool fresh)
{
	bool reused;
	int r = link_take(f->address, 0, fresh, f, &f->link, &reused);

	if (r < 0)
		return r;
	f->may_repeat = f->may_repeat && reused;
	f->unsent = 0;
	send_rest(f);
	return 0;
}

void fetch_on_close(struct fetch *f, int error)
{
	int r;

	f->link = NULL;
	if (f->may_repeat) {
		f->may_repeat = false;
		r = send_off(f, true);
		if (r < 0)
			finish(f, r);
		return;
	}
	if (error == 0 && f->answer.phase == ANSWER_UNTIL_THE_END)
		complete(f);
	else
		finish(f, error < 0 ? error : -ECONNRESET);
}

static bool is_ours(struct span name)
{
	static const char *const ours[] = {
		"host", "content-length", "transfer-encoding", "connection", "expect", "upgrade",
	};

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (span_equal_nocase(name, span_of(ours[i])))
			return true;
	return false;
}

static bool are_fields(const char *at)
{
	while (at && *at) {
		const char *colon = strchr(at, ':'), *end = strstr(at, "\r\n");
		struct span name, value;

		if (!colon || !end || colon > end)
			return false;
		name = (struct span){ at, (size_t)(colon - at) };
		value = (struct span){ colon + 1, (size_t)(end - colon - 1) };
		while (value.len > 0 && *value.at == ' ')
			value = span_skip(value, 1);
		if (!http_field_valid(name, value) || is_ours(name))
			return false;
		at = end + 2;
	}
	return true;
}

static bool is_visible(const char *text)
{
	for (; *text; text++)
		if (*text <= ' ' || *text >= 0x7f)
			return false;
	return true;
}

static bool is_sound(const struct brood_fetch_options *o)
{
	return o->size == sizeof(*o) && o->address && strlen(o->address) < LINK_ADDRESS_BYTES &&
	       (!o->method || http_field_valid(span_of(o->method), SPAN(""))) &&
	       (!o->target || (o->target[0] == '/' && is_visible(o->target))) &&
	       (!o->host || is_visible(o->host)) && are_fields(o->fields);
}

static const char *host_of(const struct brood_fetch_options *o)
{
	if (o->host)
		return o->host;
	return strncmp(o->address, "unix:", 5) == 0 ? "localhost" : o->address;
}

static int compose(struct fetch *f, const struct brood_fetch_options *o, const char *method)
{
	const char *const parts[] = {
		method, " ", o->target ? o->target : "/", " HTTP/1.1\r\nHost: ", host_of(o), "\r\n",
		o->fields ? o->fields : "",
	};
	bool says_length = o->body_len > 0 || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0;
	char length[64] = "\r\n";
	int r = 0;

	if (says_length)
		snprintf(length, sizeof(length), "Content-Length: %zu\r\n\r\n", o->body_len);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && r == 0; i++)
		r = append_text(&f->asked, parts[i]);
	if (r == 0)
		r = append_text(&f->asked, length);
	return r == 0 ? bytes_append(&f->asked, o->body, o->body_len) : r;
}

static struct fetch *create(const struct brood_fetch_options *o, const char *method, brood_fetch_fn *done,
			    void *arg)
{
	struct fetch *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	*f = (struct fetch){
		.late = { .fn = on_late, .arg = f }, .done = done, .arg = arg,
		.answer = {
			.most = o->max_bytes ? o->max_bytes : BODY_MOST, .bodiless = strcmp(method, "HEAD") == 0,
		},
	};
	f->may_repeat = f->answer.bodiless || strcmp(method, "GET") == 0;
	snprintf(f->address, sizeof(f->address), "%s", o->address);
	return f;
}

int brood_fetch(struct brood_request *request, const struct brood_fetch_options *o, brood_fetch_fn *done, void *arg)
{
	const char *method = o && o->method ? o->method : "GET";
	struct fetch *f;
	int r;

	if (!async_reactor() || !done || !o || !is_sound(o))
		return -EINVAL;
	if (request && request->finished)
		return -EPIPE;
	f = create(o, method, done, arg);
	if (!f)
		return -ENOMEM;
	r = compose(f, o, method);
	if (r == 0)
		r = send_off(f, false);
	if (r < 0) {
		release(f);
		return r;
	}
	(void)affair_begin(&f->affair, request, cancel);
	reactor_alarm(async_reactor(), &f->late,
		      async_reactor()->engine->now_ms + (o->timeout_ms ? o->timeout_ms : TIMEOUT_MS));
	return 0;
}

const char *brood_reply_field(const struct brood_reply *reply, const char *name, size_t *ret_len)
{
	struct span value = http_head_field(&reply->http.head, span_of(name));

	*ret_len = value.len;
	return value.at;
}
