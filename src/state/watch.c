/* SPDX-License-Identifier: MIT */
/*
 * watch - who in this process is told of changes
 *
 * Woken by the eventfd, which nobody reads, a worker goes through the rings from where it was, arms, and looks once more.
 * Where it was too slow for a ring, everything watched there is told.
 */
#include "state/room.h"

#include "reactor/reactor.h"
#include "state/redis.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define N_CHAINS 256
#define ROUNDS 4		/* through the rings, then others have their turn */
#define SHARDS_MOST 64

struct brood_watch {
	struct brood_watch	*next;
	struct state_key	 key;
	brood_state_watch_fn	*fn;		/* NULL = unwatched while others are told */
	void			*arg;
	bool			 is_prefix;
};

static struct watching {
	struct brood_watch	*chains[N_CHAINS];	/* of keys */
	struct brood_watch	*prefixes;
	struct reactor		*reactor;	/* NULL = there is no loop yet */
	bool			 watched;	/* the eventfd, by it */
	pid_t			 pid;		/* whose places these are */
	unsigned		 telling;
	bool			 has_ended;	/* some of them */
	struct {
		uint64_t	changed;	/* told so far */
		uint64_t	lost;
	} seen[SHARDS_MOST];
} watching;

/* ---- telling ---- */

static bool is_of(const struct brood_watch *w, const struct state_key *key)
{
	return w->fn && w->key.hash == key->hash && w->key.len == key->len &&
	       memcmp(w->key.words, key->words, key->len) == 0;
}

static void tell_key(const struct state_key *key)
{
	for (struct brood_watch *w = watching.chains[key->hash % N_CHAINS]; w; w = w->next)
		if (is_of(w, key))
			w->fn((const char *)key->words + 1, w->arg);
	for (struct brood_watch *w = watching.prefixes; w; w = w->next)
		if (w->fn && w->key.len <= key->len && memcmp(w->key.words, key->words, w->key.len) == 0)
			w->fn((const char *)key->words + 1, w->arg);
}

/* Of @shard, or of every one: UINT_MAX. */
static void tell_all_of(const struct state *st, unsigned shard)
{
	for (unsigned i = 0; i < N_CHAINS; i++)
		for (struct brood_watch *w = watching.chains[i]; w; w = w->next)
			if (w->fn && (shard == UINT_MAX || shard_of(st, w->key.hash) == shard))
				w->fn((const char *)w->key.words + 1, w->arg);
	for (struct brood_watch *w = watching.prefixes; w; w = w->next)
		if (w->fn)
			w->fn(NULL, w->arg);
}

/* Return: whether the change @number could still be read. */
static bool read_change(const struct state *st, struct shard *sh, uint64_t number, struct state_key *ret_key)
{
	struct change *c = change_at(sh, number);
	uint64_t len;

	if (atomic_load_explicit(&c->number, memory_order_acquire) != number)
		return false;
	len = load(&c->len);
	if (len < 2 || len > STATE_KEY_MAX)
		return false;
	ret_key->len = (unsigned)len;
	for (unsigned i = 0; i < words_of(len); i++)
		ret_key->words[i] = load(&c->words[i]);
	atomic_thread_fence(memory_order_acquire);
	if (load(&c->number) != number)
		return false;
	key_hash(st, ret_key);
	((char *)ret_key->words)[len] = '\0';	/* there is a byte more than the longest has */
	return true;
}

/* What is new in one shard. Return: whether something was. */
static bool tell_shard(const struct state *st, unsigned i)
{
	struct shard *sh = shard_at(st, i);
	uint64_t changed = atomic_load_explicit(&sh->changed, memory_order_acquire), lost = load(&sh->lost);
	struct state_key key;

	if (changed == watching.seen[i].changed && lost == watching.seen[i].lost)
		return false;
	if (lost != watching.seen[i].lost || changed - watching.seen[i].changed > N_CHANGES)
		watching.seen[i].changed = UINT64_MAX;
	watching.seen[i].lost = lost;
	while (watching.seen[i].changed != UINT64_MAX && watching.seen[i].changed != changed) {
		if (read_change(st, sh, watching.seen[i].changed + 1, &key)) {
			watching.seen[i].changed++;
			tell_key(&key);
		} else {
			watching.seen[i].changed = UINT64_MAX;
		}
	}
	if (watching.seen[i].changed == UINT64_MAX) {
		watching.seen[i].changed = changed;
		tell_all_of(st, i);
	}
	return true;
}

static void free_ended(struct brood_watch **chain)
{
	while (*chain) {
		struct brood_watch *w = *chain;

		if (w->fn) {
			chain = &w->next;
			continue;
		}
		*chain = w->next;
		free(w);
	}
}

static void sweep_ended(void)
{
	if (!watching.has_ended || watching.telling > 0)
		return;
	watching.has_ended = false;
	for (unsigned i = 0; i < N_CHAINS; i++)
		free_ended(&watching.chains[i]);
	free_ended(&watching.prefixes);
}

static bool tell_new(const struct state *st)
{
	bool some = false;

	for (unsigned i = 0; i < st->n_shards; i++)
		some |= tell_shard(st, i);
	return some;
}

static void arm(const struct state *st)
{
	atomic_store(&st->region->armed, atomic_fetch_add(&st->region->arms, 1) + 1);
	atomic_thread_fence(memory_order_seq_cst);	/* first this, then the last look */
}

static void on_wake(void *arg)
{
	struct state *st = arg;
	unsigned rounds = 0;
	bool some;

	watching.telling++;
	do {
		arm(st);
		some = tell_new(st);
	} while (some && ++rounds < ROUNDS);
	watching.telling--;
	sweep_ended();
	if (some)
		(void)eventfd_write(st->event_fd, 1);	/* again, behind what else there is to do */
}

/* ---- where the store is on a server ---- */

void watch_tell_key(const struct state_key *key)
{
	watching.telling++;
	for (struct brood_watch *w = watching.chains[key->hash % N_CHAINS]; w; w = w->next)
		if (is_of(w, key))
			w->fn((const char *)key->words + 1, w->arg);
	watching.telling--;
	sweep_ended();
}

void watch_tell_pattern(const struct redis *redis, const char *pattern, const struct state_key *key)
{
	char own[REDIS_PATTERN_MAX];

	watching.telling++;
	for (struct brood_watch *w = watching.prefixes; w; w = w->next) {
		if (!w->fn)
			continue;
		redis_pattern(&redis->settings, &w->key, own);
		if (strcmp(own, pattern) == 0)
			w->fn(key ? (const char *)key->words + 1 : NULL, w->arg);
	}
	watching.telling--;
	sweep_ended();
}

void watch_each(void (*fn)(struct redis *redis, const struct state_key *key, bool is_prefix), struct redis *redis)
{
	for (unsigned i = 0; i < N_CHAINS; i++)
		for (struct brood_watch *w = watching.chains[i]; w; w = w->next)
			if (w->fn)
				fn(redis, &w->key, false);
	for (struct brood_watch *w = watching.prefixes; w; w = w->next)
		if (w->fn)
			fn(redis, &w->key, true);
}

/* Of one that is ended: unless another one is the same. */
static void unsubscribe(struct redis *redis, const struct brood_watch *ended)
{
	for (struct brood_watch *w = watching.chains[ended->key.hash % N_CHAINS]; w && !ended->is_prefix; w = w->next)
		if (is_of(w, &ended->key))
			return;
	for (struct brood_watch *w = watching.prefixes; w && ended->is_prefix; w = w->next)
		if (w->fn && w->key.len == ended->key.len && memcmp(w->key.words, ended->key.words, w->key.len) == 0)
			return;
	redis_unsubscribe(redis, &ended->key, ended->is_prefix);
}

/* ---- beginning ---- */

/* From now on. What is watched before the fork is watched by each child from its own beginning. */
static void begin(struct state *st)
{
	if (watching.pid == getpid())
		return;
	watching.pid = getpid();
	store(&st->region->watched, 1);
	atomic_thread_fence(memory_order_seq_cst);
	for (unsigned i = 0; i < st->n_shards; i++) {
		watching.seen[i].changed = load(&shard_at(st, i)->changed);
		watching.seen[i].lost = load(&shard_at(st, i)->lost);
	}
}

static int listen_for_changes(struct state *st)
{
	int fd;

	if (watching.watched || !watching.reactor)
		return 0;
	fd = fcntl(st->event_fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (fd < 0)
		return -errno;
	if (!reactor_watch(watching.reactor, fd, on_wake, st)) {
		close(fd);
		return -ENOMEM;
	}
	watching.watched = true;
	on_wake(st);
	return 0;
}

static bool has_any(void)
{
	for (unsigned i = 0; i < N_CHAINS; i++)
		if (watching.chains[i])
			return true;
	return watching.prefixes != NULL;
}

void state_serve(struct state *st, struct reactor *reactor)
{
	bool inherited = watching.pid != getpid();

	watching.reactor = reactor;
	if (st->redis) {
		redis_serve(st->redis, reactor, has_any());
		return;
	}
	if (!has_any())
		return;
	begin(st);
	(void)listen_for_changes(st);	/* fails for want of memory, as all that follows would */
	watching.telling++;
	if (inherited)
		tell_all_of(st, UINT_MAX);
	watching.telling--;
	sweep_ended();
}

void watch_forget(void)
{
	for (unsigned i = 0; i <= N_CHAINS; i++) {
		struct brood_watch **chain = i < N_CHAINS ? &watching.chains[i] : &watching.prefixes;

		for (struct brood_watch *w = *chain; w; w = w->next)
			w->fn = NULL;
		free_ended(chain);
	}
	watching = (struct watching){ .reactor = NULL };
}

struct reactor *state_reactor(void)
{
	return watching.reactor;
}

static int add(struct state *st, struct brood_watch **chain, const struct state_key *key, brood_state_watch_fn *fn,
	       void *arg, struct brood_watch **ret_watch)
{
	struct brood_watch *w = malloc(sizeof(*w));
	int r = 0;

	if (!w)
		return -ENOMEM;
	if (!st->redis) {
		begin(st);
		r = listen_for_changes(st);
	}
	if (r < 0) {
		free(w);
		return r;
	}
	*w = (struct brood_watch){ .next = *chain, .key = *key, .fn = fn, .arg = arg };
	w->is_prefix = chain == &watching.prefixes;
	((char *)w->key.words)[key->len] = '\0';
	*chain = w;
	if (st->redis)
		redis_subscribe(st->redis, key, w->is_prefix);
	if (ret_watch)
		*ret_watch = w;
	return 0;
}

int state_watch(struct state *st, const struct state_key *key, brood_state_watch_fn *fn, void *arg,
		struct brood_watch **ret_watch)
{
	return add(st, &watching.chains[key->hash % N_CHAINS], key, fn, arg, ret_watch);
}

int watch_prefix(struct state *st, const struct state_key *prefix, brood_state_watch_fn *fn, void *arg,
		 struct brood_watch **ret_watch)
{
	return add(st, &watching.prefixes, prefix, fn, arg, ret_watch);
}

void brood_state_unwatch(struct brood_watch *watch)
{
	if (!watch)
		return;
	watch->fn = NULL;
	if (state_get() && state_get()->redis)
		unsubscribe(state_get()->redis, watch);
	watching.has_ended = true;
	sweep_ended();
}
