/* SPDX-License-Identifier: MIT */
/*
 * reactor.h - what waits in a worker's loop beside its connections: descriptors and timers, each with its function
 *
 * For whatever is not on the hot path: each event is a call. Everything here is of one process, and costs nothing
 * while nothing is watched.
 */
#pragma once

#include "engine/engine.h"
#include "engine/wheel.h"

#define REACTOR_OWNER 2		/* tag.owner of every watch's operations */

typedef void reactor_fn(void *arg);

/* A descriptor and what to call; of one loop. */
struct watch;

/* Embedded by its owner, who has zeroed it but for .fn and .arg. */
struct alarm {
	struct timer	 timer;
	reactor_fn		*fn;
	void		*arg;
};

struct reactor {
	struct engine	*engine;
	struct wheel	 alarms;
	struct watch	**watches;	/* by index; a freed one stays in its place, for the next */
	uint32_t	 n_watches;	/* places */
	uint32_t	 n_open;	/* of them in use, those that only wait for the kernel too */
	struct watch	*free;
};

void reactor_init(struct reactor *reactor, struct engine *engine);
/* The engine is gone, or will not be asked again. Closes what is still watched. */
void reactor_finish(struct reactor *reactor);

/* ---- watch.c ---- */

/*
 * Calls @fn when @fd may have something to read: edge-like, so it reads until -EAGAIN. @fd is non-blocking, and the
 * watch's from here on. Return: NULL = no memory, and @fd is still the caller's.
 */
struct watch *reactor_watch(struct reactor *reactor, int fd, reactor_fn *fn, void *arg);
/* The same, only to be asked for room: nothing is read. */
struct watch *reactor_hold(struct reactor *reactor, int fd, reactor_fn *fn, void *arg);
/* Calls @on_room once, when a write will go on that was just refused with -EAGAIN, or a connect(2) is through. */
void reactor_await_room(struct reactor *reactor, struct watch *w, reactor_fn *on_room);
int watch_fd(const struct watch *w);
/* Nothing is called any more; its descriptor is closed when the kernel has let go of it. NULL is fine. */
void reactor_unwatch(struct reactor *reactor, struct watch *w);
/* A completion whose tag.owner is REACTOR_OWNER. */
void reactor_on_completion(struct reactor *reactor, const struct completion *completion);

/* ---- alarm.c ---- */

/*
 * Calls its function once, at @at_ms of the engine's clock, in place of when it was to be; ENGINE_NEVER = not at
 * all.
 */
void reactor_alarm(struct reactor *reactor, struct alarm *alarm, uint64_t at_ms);
uint64_t reactor_next_ms(const struct reactor *reactor);
/* What has come due, after engine_turn(). */
void reactor_expire(struct reactor *reactor);
