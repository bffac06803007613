/* SPDX-License-Identifier: MIT */
/*
 * admin - the admin address: whichever worker is asked answers for the pool
 *
 * Everything is read-only and comes from the board: /live, /ready and /metrics without troubling the parent, so
 * they are answered while it is busy; /status.json is what the parent says to `brood ctl status` as well, and it is
 * asked for it when what it last said is not fresh.
 *
 * A page of somebody else's that has its name point to this machine (DNS rebinding) must not read it: on a loopback
 * address a Host that is a name other than localhost is refused.
 */
#include "service/admin.h"

#include "bridge/bulletin.h"
#include "bridge/config.h"
#include "bridge/heritage.h"
#include "conn/conn.h"
#include "service/service.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FRESH_MS	500	/* so old a status may be */
#define ANSWER_MS	2000	/* in which the parent writes one */
#define WRITE_MS	100	/* the longest that it takes to write its numbers, unless it was stopped */
#define LOOK_MS		2	/* between two looks whether it has */

#define FIELDS(type) "Content-Type: " type "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"	\
	"Referrer-Policy: no-referrer\r\nCross-Origin-Resource-Policy: same-origin\r\nX-Frame-Options: DENY\r\n"	\
	"Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "	\
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
#define TEXT FIELDS("text/plain; charset=utf-8")

struct admin {
	const struct heritage	*heritage;
	bool			 on_loopback;
};

static void respond(struct brood_request *r, int status, struct span text)
{
	exchange_respond_prepared(r, status, SPAN(TEXT), text);
}

/* Takes @text; NULL = there was no memory for it. */
static void respond_made(struct brood_request *r, struct span fields, char *text, size_t n)
{
	if (!text) {
		respond(r, 503, SPAN("no memory\n"));
		return;
	}
	if (exchange_start_prepared(r, 200, fields, n) < 0) {
		free(text);
		return;
	}
	exchange_write_borrowed(r, (struct span){ text, n }, free, text);
	exchange_end(r);
}

/* ---- what is asked for ---- */

static void answer_live(const struct admin *a, struct brood_request *r)
{
	respond(r, 200, SPAN("alive\n"));
}

static void answer_ready(const struct admin *a, struct brood_request *r)
{
	const struct bulletin *b = board_bulletin(a->heritage->board);

	if (getppid() != a->heritage->parent_pid) {
		respond(r, 503, SPAN("not ready: the parent is gone, draining\n"));
		return;
	}
	switch ((enum bulletin_state)board_get(&b->state)) {
	case POOL_READY:
		respond(r, 200, SPAN("ready\n"));
		return;
	case POOL_PRE_DRAINING:
		respond(r, 503, SPAN("not ready: told to stop, draining soon\n"));
		return;
	case POOL_DRAINING:
		respond(r, 503, SPAN("not ready: draining\n"));
		return;
	case POOL_STARTING:
		break;
	}
	respond(r, 503, SPAN("not ready: starting\n"));
}

/* @arg: until when to wait for the parent to have written what it writes, in milliseconds. */
static void look_for_metrics(struct brood_request *r, void *arg)
{
	const struct admin *a = r->table->admin_service.ctx;
	uint64_t now_ms = r->table->engine->now_ms;
	bool late = now_ms >= (uintptr_t)arg;
	size_t n = 0;
	char *text = metrics_tell(a->heritage->board, a->heritage->config, now_ms, !late, &n);

	if (text || late)
		respond_made(r, SPAN(FIELDS("text/plain; version=0.0.4; charset=utf-8")), text, n);
	else
		exchange_set_timer(r, LOOK_MS, look_for_metrics, arg);
}

static void answer_metrics(const struct admin *a, struct brood_request *r)
{
	look_for_metrics(r, (void *)(uintptr_t)(r->table->engine->now_ms + WRITE_MS));
}

/* @arg: until when to wait for the parent, in milliseconds. */
static void look_for_status(struct brood_request *r, void *arg)
{
	const struct admin *a = r->table->admin_service.ctx;
	const struct board *board = a->heritage->board;
	uint64_t now_ms = r->table->engine->now_ms, written_ms = bulletin_text_ms(board);
	char *text = NULL;
	size_t n = 0;

	if (written_ms != 0 && now_ms < written_ms + FRESH_MS)
		text = bulletin_read_text(board, &n);
	else
		bulletin_ask(a->heritage->board, a->heritage->ask_fd);
	if (text)
		respond_made(r, SPAN(FIELDS("application/json")), text, n);
	else if (now_ms >= (uintptr_t)arg)
		respond(r, 503, SPAN("the parent does not answer\n"));
	else
		exchange_set_timer(r, LOOK_MS, look_for_status, arg);
}

static void answer_status(const struct admin *a, struct brood_request *r)
{
	look_for_status(r, (void *)(uintptr_t)(r->table->engine->now_ms + ANSWER_MS));
}

static const struct {
	const char	*path;
	void		(*answer)(const struct admin *a, struct brood_request *r);
} answers[] = {
	{ "/live", answer_live },
	{ "/ready", answer_ready },
	{ "/metrics", answer_metrics },
	{ "/status.json", answer_status },
};

static void answer_page(struct brood_request *r, const struct page *page)
{
	char fields[sizeof(FIELDS("")) + 64];
	int n = snprintf(fields, sizeof(fields), FIELDS("%s"), page->type);

	if (exchange_start_prepared(r, 200, (struct span){ fields, (size_t)n }, page->content.len) < 0)
		return;
	exchange_write_borrowed(r, page->content, NULL, NULL);
	exchange_end(r);
}

static void answer_path(const struct admin *a, struct brood_request *r)
{
	const struct page *page = page_find(r->head.path);

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		if (span_equal(r->head.path, span_of(answers[i].path))) {
			answers[i].answer(a, r);
			return;
		}
	if (page)
		answer_page(r, page);
	else
		respond(r, 404, SPAN("there are /live, /ready, /metrics, /status.json and /\n"));
}

/* ---- who asks ---- */

/* What stands before the port. */
static struct span host_name(struct span host)
{
	const char *colon = host.len > 0 && host.at[0] != '[' ? memchr(host.at, ':', host.len) : NULL;

	return colon ? (struct span){ host.at, (size_t)(colon - host.at) } : host;
}

/* An address cannot be made to point elsewhere, and nobody else can be localhost. */
static bool may_be_ours(struct span host)
{
	struct span name = host_name(host);
	char text[INET_ADDRSTRLEN];
	struct in_addr address;

	if (name.len == 0 || name.at[0] == '[' || span_equal_nocase(name, SPAN("localhost")))
		return true;
	if (name.len >= sizeof(text))
		return false;
	memcpy(text, name.at, name.len);
	text[name.len] = '\0';
	return inet_pton(AF_INET, text, &address) == 1;
}

static void answer(struct brood_request *r, void *ctx)
{
	const struct admin *a = ctx;

	if (a->on_loopback && !may_be_ours(r->head.host)) {
		respond(r, 403, SPAN("Host must be an address or localhost\n"));
	} else if (r->head.method != HTTP_GET && r->head.method != HTTP_HEAD) {
		exchange_respond_prepared(r, 405, SPAN("Allow: GET, HEAD\r\n" TEXT), SPAN("GET and HEAD alone\n"));
	} else {
		answer_path(a, r);
	}
}

/* ---- its life ---- */

static bool is_loopback(const struct address *address)
{
	if (address->any.sa_family == AF_INET)
		return ntohl(address->v4.sin_addr.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&address->v6.sin6_addr);
}

int admin_create(const struct heritage *heritage, struct service *ret_service, char *ret_error, size_t size)
{
	struct admin *a = malloc(sizeof(*a));

	if (!a) {
		snprintf(ret_error, size, "admin: out of memory");
		return -ENOMEM;
	}
	*a = (struct admin){ .heritage = heritage };
	for (unsigned i = 0; i < heritage->config->n_listeners; i++)
		if (config_is_admin(heritage->config, i))
			a->on_loopback = is_loopback(&heritage->config->listen[i]);
	*ret_service = (struct service){ answer, a };
	return 0;
}

void admin_destroy(struct service *service)
{
	free(service->ctx);
	*service = (struct service){ NULL, NULL };
}
