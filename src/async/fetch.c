/* SPDX-License-Identifier: MIT */
/*
 * fetch - one request to another server, and its response as a whole
 *
 * The response is gathered until its head is whole, then its body decoded as it comes. A connection is kept for the
 * next fetch only when the response ended by its own framing and nothing came behind it.
 */
#include "async/async.h"

#include "http/http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS	30000
#define HEAD_MOST	(32 * 1024)
#define BODY_MOST	(16 * 1024 * 1024)
#define INTERIM_MOST	8		/* 1xx in front of the response */

static const struct http_limits limits = { .head_bytes = HEAD_MOST, .n_fields = HTTP_FIELDS_MAX };

struct brood_reply {
	struct http_reply http;
};

struct text {
	char	*at;
	size_t	 len;
	size_t	 size;
};

enum phase { IN_HEAD, IN_BODY, UNTIL_THE_END };

struct fetch {
	struct affair	 affair;
	struct link	*link;		/* NULL = gone */
	struct alarm	 late;
	struct text	 asked;		/* the request, as it is sent */
	size_t		 unsent;	/* from here on */
	struct text	 head;
	struct text	 body;
	size_t		 most;
	enum phase	 phase;
	bool		 bodiless;	/* it was HEAD */
	bool		 may_repeat;	/* on a new connection: it changes nothing, and the first was an old one */
	unsigned	 n_interim;
	int		 status;
	struct http_body framing;
	struct brood_reply reply;	/* its fields lie in .head */
	brood_fetch_fn	*done;
	void		*arg;
	char		 address[LINK_ADDRESS_BYTES];
};

/* ---- text ---- */

static int append(struct text *text, const char *data, size_t len)
{
	size_t size = text->size ? text->size : 1024;
	char *more;

	while (size < text->len + len)
		size *= 2;
	more = size > text->size ? realloc(text->at, size) : text->at;
	if (!more)
		return -ENOMEM;
	text->at = more;
	text->size = size;
	if (len > 0)
		memcpy(more + text->len, data, len);
	text->len += len;
	return 0;
}

static int append_text(struct text *text, const char *string)
{
	return append(text, string, strlen(string));
}

/* ---- the end ---- */

static void release(struct fetch *f)
{
	reactor_alarm(async_reactor(), &f->late, ENGINE_NEVER);
	if (f->link)
		link_close(f->link);
	free(f->asked.at);
	free(f->head.at);
	free(f->body.at);
	free(f);
}

static void tell(struct brood_request *request, void *arg)
{
	const struct fetch *f = arg;
	bool good = f->status > 0;

	f->done(f->status == -ECANCELED ? NULL : request, f->status, good ? &f->reply : NULL,
		good && f->body.at ? f->body.at : "", good ? f->body.len : 0, f->arg);
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

/* It is whole; @n_behind bytes have come behind it. */
static void complete(struct fetch *f, size_t n_behind)
{
	struct link *link = f->link;

	if (link && f->phase != UNTIL_THE_END && f->reply.http.head.keep_alive && n_behind == 0 &&
	    f->unsent == f->asked.len) {
		f->link = NULL;
		link_keep(link);
	}
	finish(f, f->reply.http.status);
}

/* ---- the response ---- */

static void take_rest(struct fetch *f, struct span in)
{
	if (in.len > f->most - f->body.len)
		finish(f, -EMSGSIZE);
	else if (append(&f->body, in.at, in.len) < 0)
		finish(f, -ENOMEM);
}

static void take_body(struct fetch *f, struct span in)
{
	int verdict = HTTP_MORE;

	while (verdict == HTTP_MORE && in.len > 0) {
		struct span data = SPAN_NULL;

		verdict = http_body_take(&f->framing, &in, &data);
		if (data.len > 0 && append(&f->body, data.at, data.len) < 0) {
			finish(f, -ENOMEM);
			return;
		}
	}
	if (verdict == HTTP_DONE)
		complete(f, in.len);
	else if (verdict != HTTP_MORE)
		finish(f, verdict == 413 ? -EMSGSIZE : -EPROTO);
}

/* What the head says of the body; @in came behind it. */
static void begin_body(struct fetch *f, struct span in)
{
	const struct http_reply *r = &f->reply.http;

	if (f->bodiless || !http_status_has_body(r->status)) {
		complete(f, in.len);
		return;
	}
	if (!r->head.chunked && !r->has_length) {
		f->phase = UNTIL_THE_END;
		take_rest(f, in);
		return;
	}
	if (!r->head.chunked && r->head.content_length > f->most) {
		finish(f, -EMSGSIZE);
		return;
	}
	f->phase = IN_BODY;
	http_body_init(&f->framing, &r->head, f->most);
	if (!r->head.chunked && r->head.content_length == 0)
		complete(f, in.len);
	else
		take_body(f, in);
}

/* Takes an interim response off the head. Return: whether there may be another. */
static bool drop_interim(struct fetch *f)
{
	size_t n = f->reply.http.head.bytes;

	if (f->reply.http.status == 101 || ++f->n_interim > INTERIM_MOST) {
		finish(f, -EPROTO);
		return false;
	}
	f->head.len -= n;
	memmove(f->head.at, f->head.at + n, f->head.len);
	return f->head.len > 0;
}

static void take_head(struct fetch *f, const char *data, size_t len)
{
	int verdict;

	if (append(&f->head, data, len) < 0) {
		finish(f, -ENOMEM);
		return;
	}
	do {
		verdict = http_reply_parse((struct span){ f->head.at, f->head.len }, &limits, &f->reply.http);
		if (verdict == HTTP_MORE)
			return;
		if (verdict != HTTP_DONE) {
			finish(f, -EPROTO);
			return;
		}
		if (f->reply.http.status >= 200) {
			begin_body(f, (struct span){ f->head.at + f->reply.http.head.bytes,
						     f->head.len - f->reply.http.head.bytes });
			return;
		}
	} while (drop_interim(f));
}

void fetch_on_data(struct fetch *f, const char *data, size_t len)
{
	f->may_repeat = false;
	switch (f->phase) {
	case IN_HEAD:
		take_head(f, data, len);
		break;
	case IN_BODY:
		take_body(f, (struct span){ data, len });
		break;
	case UNTIL_THE_END:
		take_rest(f, (struct span){ data, len });
		break;
	}
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
	if (error == 0 && f->phase == UNTIL_THE_END)
		complete(f, 0);
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
	return r == 0 ? append(&f->asked, o->body, o->body_len) : r;
}

static struct fetch *create(const struct brood_fetch_options *o, const char *method, brood_fetch_fn *done,
			    void *arg)
{
	struct fetch *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	*f = (struct fetch){
		.late = { .fn = on_late, .arg = f }, .most = o->max_bytes ? o->max_bytes : BODY_MOST,
		.bodiless = strcmp(method, "HEAD") == 0, .done = done, .arg = arg,
	};
	f->may_repeat = f->bodiless || strcmp(method, "GET") == 0;
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
