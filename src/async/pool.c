/* SPDX-License-Identifier: MIT */
/* pool - connections to other servers, kept for a while for the next request to the same address */
#include "async/async.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IDLE_MOST	8	/* of one address */
#define IDLE_ALL_MOST	64
#define IDLE_MS		10000

static struct list idle;	/* the one kept last is the last */
static unsigned n_idle;

static struct list *idle_links(void)
{
	if (!list_linked(&idle))
		list_init(&idle);
	return &idle;
}

static void unlist(struct link *link)
{
	if (!list_linked(&link->list))
		return;
	list_remove(&link->list);
	n_idle--;
	reactor_alarm(async_reactor(), &link->stale, ENGINE_NEVER);
}

void link_close(struct link *link)
{
	unlist(link);
	brood_socket_close(link->socket);
	free(link);
}

static void on_stale(void *arg)
{
	link_close(arg);
}

/* What comes while nothing was asked for is nobody's. */
static void on_data(struct brood_socket *socket, const void *data, size_t len, void *arg)
{
	struct link *link = arg;

	if (link->fetch)
		fetch_on_data(link->fetch, data, len);
	else
		link_close(link);
}

static void on_close(struct brood_socket *socket, int error, void *arg)
{
	struct link *link = arg;
	struct fetch *fetch = link->fetch;

	unlist(link);
	free(link);	/* the socket goes by itself */
	if (fetch)
		fetch_on_close(fetch, error);
}

/* The one used last: it is the likeliest to be alive still. */
static struct link *find_idle(const char *address)
{
	struct list *head = idle_links();

	for (struct list *it = head->prev; it != head; it = it->prev) {
		struct link *link = container_of(it, struct link, list);

		if (strcmp(link->address, address) == 0)
			return link;
	}
	return NULL;
}

static unsigned count_idle(const char *address)
{
	struct list *head = idle_links();
	unsigned n = 0;

	list_each(it, next, head)
		n += strcmp(container_of(it, struct link, list)->address, address) == 0;
	return n;
}

static int connect_link(const char *address, uint32_t timeout_ms, struct link **ret_link)
{
	struct brood_socket_events events = BROOD_SOCKET_EVENTS_INIT;
	struct link *link = calloc(1, sizeof(*link));
	int r;

	if (!link)
		return -ENOMEM;
	*link = (struct link){ .stale = { .fn = on_stale, .arg = link } };
	snprintf(link->address, sizeof(link->address), "%s", address);
	events.on_data = on_data;
	events.on_close = on_close;
	r = brood_connect(NULL, address, timeout_ms, &events, link, &link->socket);
	if (r < 0) {
		free(link);
		return r;
	}
	socket_detach(link->socket);
	*ret_link = link;
	return 0;
}

int link_take(const char *address, uint32_t timeout_ms, bool fresh, struct fetch *fetch, struct link **ret_link,
	      bool *ret_reused)
{
	struct link *link = fresh ? NULL : find_idle(address);
	int r = 0;

	*ret_reused = link != NULL;
	if (link)
		unlist(link);
	else
		r = connect_link(address, timeout_ms, &link);
	if (r < 0)
		return r;
	link->fetch = fetch;
	*ret_link = link;
	return 0;
}

void link_keep(struct link *link)
{
	link->fetch = NULL;
	if (n_idle >= IDLE_ALL_MOST || count_idle(link->address) >= IDLE_MOST) {
		link_close(link);
		return;
	}
	list_append(idle_links(), &link->list);
	n_idle++;
	reactor_alarm(async_reactor(), &link->stale, async_reactor()->engine->now_ms + IDLE_MS);
}
