/* SPDX-License-Identifier: MIT */
/*
 * state - a store of keys and values that all processes of a pool share
 *
 * Made before the first fork and inherited by it. Reading takes no lock and waits for nobody; writing takes the lock of
 * one shard, for a bounded time, and goes on where a writer was killed. Of one thread in each process.
 *
 * Keys are bytes, 1..STATE_KEY_MAX of them; the first one says whose they are.
 */
#pragma once

#include "brood.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STATE_KEY_MAX (BROOD_STATE_KEY_MAX + 1)

struct state;
struct reactor;

/* Of this process alone. */
struct state_counters {
	uint64_t	reads;
	uint64_t	writes;
	uint64_t	evictions;
	uint64_t	refusals;	/* for want of room */
	uint64_t	timeouts;	/* of a lock */
	uint64_t	repairs;	/* after a writer had died */
};

struct state_key {
	uint64_t	hash;
	unsigned	len;
	uint64_t	words[STATE_KEY_MAX / 8 + 1];	/* padded with 0 */
};

struct state_value {
	uint64_t	version;
	uint64_t	expires_ms;	/* of state_now_ms(); 0 = never */
	bool		is_number;
	int64_t		number;
	size_t		len;
};

/* ---- region.c ---- */

/* Return: 0 or -errno. */
int state_create(uint64_t n_bytes, bool evicts, struct state **ret_state);
/* Takes both descriptors, on success alone. Return: 0, -EINVAL (it is none of this size and layout), or another -errno. */
int state_adopt(int fd, int event_fd, uint64_t n_bytes, bool evicts, struct state **ret_state);
void state_destroy(struct state *state);
int state_fd(const struct state *state);
/* Written to when something has changed that somebody watches; never read. */
int state_event_fd(const struct state *state);
/* That of this process; NULL = there is none. */
void state_set(struct state *state);
struct state *state_get(void);
const struct state_counters *state_counters(void);
uint64_t state_now_ms(void);
/* How many blocks each shard can use, and how many of a shard are free. */
unsigned state_n_shards(const struct state *state);
uint32_t state_n_blocks(const struct state *state);
uint32_t state_n_free(const struct state *state, unsigned shard);

/* ---- key.c ---- */

/* Return: 0, or -EINVAL (it has no length or too much of it). */
int state_key(const struct state *state, char owner, const char *text, struct state_key *ret_key);

/* ---- read.c ---- */

/* Return: 0, -ENOENT, -ENOSPC (@size is too small; @ret_value is filled in), -EAGAIN. */
int state_read(struct state *state, const struct state_key *key, void *out, size_t size, struct state_value *ret_value);

/* ---- iterate.c ---- */

/* As brood_state_next(), of the keys of @owner. */
int state_next(struct state *state, char owner, uint64_t *cursor, char *key, size_t size);

/* ---- write.c ---- */

#define STATE_ANY UINT64_MAX	/* whatever version there is, or none */

/* @version: what must be there, 0 = nothing. Return: 0, -ESTALE, -EDOM (a counter has no version), -ENOSPC, -EAGAIN. */
int state_write(struct state *state, const struct state_key *key, uint64_t version, const void *value, size_t len,
		uint64_t ttl_ms, uint64_t *ret_version);
/* Return: 0, -ENOENT, -ESTALE, -EAGAIN. */
int state_remove(struct state *state, const struct state_key *key, uint64_t version);

/* ---- redis.c: the store is on a server ---- */

/*
 * Of redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]. A name is looked up, which may take a while. *ret_why: in a few words,
 * for -EINVAL. Return: 0, -EINVAL, -ENOTSUP (built without), -ENOMEM.
 */
int state_create_redis(const char *url, const char *prefix, uint32_t timeout_ms, struct state **ret_state,
		       const char **ret_why);
/* Whether @text could be such a one. */
bool state_is_redis(const char *text);

/* ---- ask.c: of a store wherever it is ---- */

typedef void state_answer_fn(const struct brood_state_answer *answer, void *arg);

struct question;
/*
 * @fn is called exactly once, within this call (*ret_id is 0 then) or later. Return: 0, or another -errno, and it is not
 * called: -EAGAIN (the server is not there, or too much waits), -ENOMEM.
 */
int state_ask(struct state *state, const struct question *question, state_answer_fn *fn, void *arg, uint64_t *ret_id);
/* Whether it is asked elsewhere, and so answered later. */
bool state_is_remote(const struct state *state);
/* It is not called any more. */
void state_cancel(struct state *state, uint64_t id);
/* The end of a turn of the loop: what was asked is sent. */
void state_flush(void);

/* A lease is a value put where there is none, or got; kept is what comes in its place. These two are of a server alone. */
enum ask { ASK_GET, ASK_SET, ASK_CAS, ASK_DELETE, ASK_ADD, ASK_LEASE, ASK_KEEP, ASK_SCAN };

struct question {
	enum ask	 ask;
	struct state_key key;		/* of a scan: what all of them begin with */
	const void	*value;
	size_t		 len;
	uint64_t	 version;
	uint64_t	 ttl_ms;
	int64_t		 n;
	uint64_t	 cursor;
};

/* ---- watch.c ---- */

/* One of the loop of this process: what is watched, from now on and since before, is told there. */
void state_serve(struct state *state, struct reactor *reactor);
/* NULL = there is none. */
struct reactor *state_reactor(void);
struct brood_watch;
/* Of one key. Return: 0 or -ENOMEM. */
int state_watch(struct state *state, const struct state_key *key, brood_state_watch_fn *fn, void *arg,
		struct brood_watch **ret_watch);

/* ---- counter.c ---- */

/* Return: 0, -EDOM (it is no counter), -ERANGE, -ENOSPC, -EAGAIN. */
int state_add(struct state *state, const struct state_key *key, int64_t n, uint64_t ttl_ms, int64_t *ret_number);
