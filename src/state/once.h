/* SPDX-License-Identifier: MIT */
/*
 * once.h - those who wait together for a value that is made once
 *
 *   once.c          who asks, who waits, and loading
 *   once_memory.c   the lease and the result in shared memory
 *   once_redis.c    the same on a Redis server
 */
#pragma once

#include "state/state.h"

#include "reactor/reactor.h"

enum record_kind { RECORD_LEASE = 1, RECORD_RESULT };

/* What lies under a key. */
struct record {
	uint32_t	kind;
	int32_t		number;		/* the process that loads; the error */
	char		value[];
};
#define RECORD_HEAD sizeof(struct record)

/* All who ask for a key in this process. */
struct flight {
	struct flight		*next;
	struct state_key	 key;
	struct brood_loader	 loader;
	struct brood_once	*first;
	struct brood_once	**last;
	struct brood_load	*load;		/* ours; NULL = somebody else loads, or it is not known yet who */
	struct brood_load	*spare;		/* for the next of ours: there is one unless .load is set */
	struct brood_watch	*watch;
	struct watch		*loader_watch;	/* of a pidfd */
	uint64_t		 lease;		/* its version, of who else loads */
	uint64_t		 dead;		/* that of one whose process has ended; 0 = none */
	struct alarm		 alarm;
	bool			 is_asking;	/* a server */
	bool			 has_changed;	/* since it was asked */
	char			 text[STATE_KEY_MAX + 1];
};

struct brood_load {
	struct flight		*flight;	/* NULL = it took too long */
	struct state_key	 key;
	uint64_t		 lease;
	uint32_t		 ttl_ms;
};

/* ---- once.c ---- */

/* Everybody is told, and may ask again, or cancel others, while they are; @f is gone. */
void flight_land(struct flight *f, int error, const void *value, size_t len);
/* With the lease. @f may be gone afterwards. */
void flight_load(struct flight *f, uint64_t lease);
/*
 * For the end of @lease, in @left_ms, or of its process; @pid: 0 = it cannot be seen from here.
 * Return: false = that one has ended: look again.
 */
bool flight_wait(struct flight *f, uint64_t lease, pid_t pid, uint64_t left_ms);
/* Return: 0 or -ENOMEM. */
int flight_watch(struct flight *f);
/* Nobody waits for anything of it. */
bool flight_is_empty(const struct flight *f);
/* The server is gone: who waits for another's load looks, and is told so. */
void once_look_all(void);

/* ---- once_memory.c ---- */

/* Return: 1 = @done was called; 0, or -ENOMEM. */
int once_memory_answer(const struct state_key *key, brood_once_fn *done, void *arg);
/* @f is gone afterwards, or loads, or waits. */
void once_memory_look(struct flight *f);
/* In the lease's place, if it is there still. */
void once_memory_keep(const struct brood_load *load, const struct record *record, size_t len, uint32_t ttl_ms);

/* ---- once_redis.c ---- */

/* @f is gone afterwards, or waits for the answer. */
void once_redis_look(struct flight *f);
void once_redis_keep(const struct brood_load *load, const struct record *record, size_t len, uint32_t ttl_ms);
