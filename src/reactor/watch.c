/* SPDX-License-Identifier: MIT */
/*
 * watch - a descriptor that is watched
 *
 * Named to the engine by index and generation. One that is ended waits for what the kernel still owes it, and is
 * closed then.
 *
 * Fails by: NULL when there is no memory.
 */
#include "reactor/reactor.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define PLACES_FIRST 8

struct watch {
	struct watch	*next;		/* of the free */
	int		 fd;		/* -1 while free */
	uint32_t	 index;
	uint16_t	 generation;
	bool		 reads : 1;
	bool		 polling : 1;
	bool		 awaits_room : 1;
	bool		 ended : 1;
	reactor_fn		*fn;
	reactor_fn		*on_room;
	void		*arg;
};

static struct tag tag_of(const struct watch *w)
{
	return (struct tag){ REACTOR_OWNER, w->generation, w->index };
}

static int add_place(struct reactor *reactor)
{
	struct watch **more;
	struct watch *w;

	if (reactor->n_watches % PLACES_FIRST == 0) {
		more = realloc(reactor->watches, (reactor->n_watches + PLACES_FIRST) * sizeof(struct watch *));
		if (!more)
			return -ENOMEM;
		reactor->watches = more;
	}
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	*w = (struct watch){ .fd = -1, .index = reactor->n_watches };
	reactor->watches[reactor->n_watches++] = w;
	reactor->free = w;
	return 0;
}

static struct watch *take(struct reactor *reactor, int fd, reactor_fn *fn, void *arg)
{
	struct watch *w;

	if (!reactor->free && add_place(reactor) < 0)
		return NULL;
	w = reactor->free;
	reactor->free = w->next;
	reactor->n_open++;
	*w = (struct watch){ .fd = fd, .index = w->index, .generation = w->generation, .fn = fn, .arg = arg };
	return w;
}

static void poll_on(struct reactor *reactor, struct watch *w)
{
	w->polling = true;
	engine_poll(reactor->engine, w->fd, tag_of(w));
}

struct watch *reactor_watch(struct reactor *reactor, int fd, reactor_fn *fn, void *arg)
{
	struct watch *w = take(reactor, fd, fn, arg);

	if (!w)
		return NULL;
	w->reads = true;
	poll_on(reactor, w);
	return w;
}

struct watch *reactor_hold(struct reactor *reactor, int fd, reactor_fn *fn, void *arg)
{
	return take(reactor, fd, fn, arg);
}

void reactor_await_room(struct reactor *reactor, struct watch *w, reactor_fn *on_room)
{
	w->on_room = on_room;
	if (w->awaits_room)
		return;
	w->awaits_room = true;
	engine_await_room(reactor->engine, w->fd, tag_of(w));
}

int watch_fd(const struct watch *w)
{
	return w->fd;
}

static void free_when_over(struct reactor *reactor, struct watch *w)
{
	/* it may have been ended, and freed, by what it called */
	if (w->fd < 0 || !w->ended || w->polling || w->awaits_room)
		return;
	engine_close(reactor->engine, w->fd);
	w->fd = -1;
	w->generation++;
	w->next = reactor->free;
	reactor->free = w;
	reactor->n_open--;
}

void reactor_unwatch(struct reactor *reactor, struct watch *w)
{
	if (!w || w->ended)
		return;
	w->ended = true;
	if (w->awaits_room)
		engine_await_room_stop(reactor->engine, w->fd, tag_of(w));
	if (w->polling)
		engine_poll_stop(reactor->engine, w->fd, tag_of(w));
	free_when_over(reactor, w);
}

static void on_poll(struct reactor *reactor, struct watch *w, const struct completion *completion)
{
	w->polling = completion->more;
	if (w->ended)
		return;
	if (!w->polling && completion->res >= 0)
		poll_on(reactor, w);
	w->fn(w->arg);
}

void reactor_on_completion(struct reactor *reactor, const struct completion *completion)
{
	struct watch *w;

	if (completion->tag.index >= reactor->n_watches)
		return;
	w = reactor->watches[completion->tag.index];
	if (w->fd < 0 || w->generation != completion->tag.generation)
		return;
	if (completion->op == OP_POLL) {
		on_poll(reactor, w, completion);
	} else if (completion->op == OP_WRITABLE) {
		w->awaits_room = false;
		if (!w->ended)
			w->on_room(w->arg);
	}
	free_when_over(reactor, w);
}

void reactor_init(struct reactor *reactor, struct engine *engine)
{
	*reactor = (struct reactor){ .engine = engine };
	wheel_init(&reactor->alarms, engine->now_ms);
}

void reactor_finish(struct reactor *reactor)
{
	for (uint32_t i = 0; i < reactor->n_watches; i++) {
		if (reactor->watches[i]->fd >= 0)
			close(reactor->watches[i]->fd);
		free(reactor->watches[i]);
	}
	free(reactor->watches);
	*reactor = (struct reactor){ .engine = NULL };
}
