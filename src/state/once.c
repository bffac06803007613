/* SPDX-License-Identifier: MIT */
/*
 * once - one computation for all who ask, in whatever worker
 *
 * Under a key of its own in the store lies a lease, which says who loads, and later what was loaded. Whoever finds nothing
 * puts a lease there, which one of them can, and loads; everybody else waits, as many as they are in a worker together
 * (a flight), for a change of that key, for the end of the loader's process (a pidfd), or for the lease to expire, and
 * looks again. Where the store is on a server, to look is to ask.
 */
#include "state/once.h"

#include "state/room.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#define OWNER_ONCE 'o'
#define N_CHAINS 1024
#define TTL_USUAL_MS 1000
#define TTL_LEAST_MS 100
#define ERROR_TTL_MOST_MS 1000
#define TIMEOUT_USUAL_MS 10000
#define LATE_MS 8			/* that the store's clock may be behind the loop's */

struct brood_once {
	struct brood_once	*next;
	struct brood_once	**link;		/* what names it */
	struct flight		*flight;
	brood_once_fn		*done;
	void			*arg;
	bool			*has_landed;	/* of who is just asking; NULL = nobody is */
};

static struct flight *chains[N_CHAINS];

static void look(struct flight *f)
{
	if (state_get()->redis)
		once_redis_look(f);
	else
		once_memory_look(f);
}

/* ---- those who wait ---- */

static void append(struct flight *f, struct brood_once *once)
{
	once->flight = f;
	once->next = NULL;
	once->link = f->last;
	*f->last = once;
	f->last = &once->next;
}

static void unlink_once(struct brood_once *once)
{
	*once->link = once->next;
	if (once->next)
		once->next->link = once->link;
	else
		once->flight->last = once->link;
}

static struct flight **chain_of(const struct state_key *key)
{
	struct flight **chain = &chains[key->hash % N_CHAINS];

	while (*chain && ((*chain)->key.hash != key->hash || (*chain)->key.len != key->len ||
			  memcmp((*chain)->key.words, key->words, key->len) != 0))
		chain = &(*chain)->next;
	return chain;
}

static void stop_waiting(struct flight *f)
{
	reactor_unwatch(state_reactor(), f->loader_watch);
	f->loader_watch = NULL;
	reactor_alarm(state_reactor(), &f->alarm, ENGINE_NEVER);
}

/* Nobody finds it any more. */
static void close_flight(struct flight *f)
{
	struct flight **chain = chain_of(&f->key);

	if (*chain == f)
		*chain = f->next;
	stop_waiting(f);
	brood_state_unwatch(f->watch);
	if (f->load)
		f->load->flight = NULL;
}

static void free_flight(struct flight *f)
{
	free(f->spare);
	free(f);
}

void flight_land(struct flight *f, int error, const void *value, size_t len)
{
	close_flight(f);
	while (f->first) {
		struct brood_once *once = f->first;
		brood_once_fn *done = once->done;
		void *arg = once->arg;

		unlink_once(once);
		if (once->has_landed)
			*once->has_landed = true;
		free(once);
		done(error, value, len, arg);
	}
	free_flight(f);
}

bool flight_is_empty(const struct flight *f)
{
	return !f->first;
}

/* ---- loading ---- */

void flight_load(struct flight *f, uint64_t lease)
{
	struct brood_load *load = f->spare;

	f->spare = NULL;
	*load = (struct brood_load){ f, f->key, lease, f->loader.ttl_ms };
	stop_waiting(f);
	f->load = load;
	reactor_alarm(state_reactor(), &f->alarm, state_reactor()->engine->now_ms + f->loader.timeout_ms + LATE_MS);
	f->loader.load(load, f->text, f->loader.arg);
}

static void keep_result(const struct brood_load *load, int error, const void *value, size_t len)
{
	struct record *record = malloc(RECORD_HEAD + len);
	uint32_t ttl_ms = error != 0 && load->ttl_ms > ERROR_TTL_MOST_MS ? ERROR_TTL_MOST_MS : load->ttl_ms;

	if (record) {
		record->kind = RECORD_RESULT;
		record->number = error;
		if (len > 0)
			memcpy(record->value, value, len);
	}
	if (state_get()->redis)
		once_redis_keep(load, record, RECORD_HEAD + len, ttl_ms);
	else
		once_memory_keep(load, record, RECORD_HEAD + len, ttl_ms);
	free(record);
}

void brood_load_end(struct brood_load *load, int error, const void *value, size_t len)
{
	struct flight *f = load->flight;

	if (error == 0 && len > BROOD_ONCE_VALUE_MAX)
		error = -EMSGSIZE;
	if (error != 0)
		len = 0;
	keep_result(load, error, value, len);
	if (f) {
		f->load = NULL;
		flight_land(f, error, value, len);
	}
	free(load);
}

/* ---- waiting ---- */

static void on_change(const char *key, void *arg)
{
	struct flight *f = arg;

	f->has_changed = true;
	if (!f->load && !f->is_asking)
		look(f);
}

/* The loader's process has ended: whoever of us is first takes its lease over. */
static void on_loader_gone(void *arg)
{
	struct flight *f = arg;

	f->dead = f->lease;
	reactor_unwatch(state_reactor(), f->loader_watch);
	f->loader_watch = NULL;
	on_change(f->text, f);
}

/* The time of a load is over, ours or another's. */
static void on_alarm(void *arg)
{
	struct flight *f = arg;

	if (f->load) {
		f->load->flight = NULL;
		f->load = NULL;
		f->spare = malloc(sizeof(*f->spare));
	}
	if (f->spare && f->first)
		on_change(f->text, f);
	else
		flight_land(f, -ENOMEM, NULL, 0);	/* or nobody waits any more */
}

/* Return: whether it lives, as far as can be seen. */
static bool watch_loader(struct flight *f, pid_t pid)
{
	int fd;

	if (pid <= 0 || pid == getpid())
		return true;	/* ours that took too long */
	fd = pidfd_open(pid, PIDFD_NONBLOCK);
	if (fd < 0)
		return errno != ESRCH;	/* else its time will end */
	f->loader_watch = reactor_watch(state_reactor(), fd, on_loader_gone, f);
	if (!f->loader_watch)
		close(fd);
	return true;
}

bool flight_wait(struct flight *f, uint64_t lease, pid_t pid, uint64_t left_ms)
{
	stop_waiting(f);
	f->lease = lease;
	reactor_alarm(state_reactor(), &f->alarm, state_reactor()->engine->now_ms + LATE_MS + left_ms);
	if (watch_loader(f, pid))
		return true;
	f->dead = lease;
	return false;
}

int flight_watch(struct flight *f)
{
	return f->watch ? 0 : state_watch(state_get(), &f->key, on_change, f, &f->watch);
}

/* Those that load, or have asked, go on. */
void once_look_all(void)
{
	for (unsigned i = 0; i < N_CHAINS; i++)
		for (struct flight **link = &chains[i]; *link;) {
			struct flight *f = *link;

			if (f->load || f->is_asking) {
				link = &f->next;
			} else {
				look(f);
				link = &chains[i];	/* which is another one now */
			}
		}
}

/* ---- asking ---- */

static struct flight *open_flight(const struct brood_loader *loader, const struct state_key *key)
{
	struct flight *f = calloc(1, sizeof(*f)), **chain = chain_of(key);
	struct brood_load *spare = malloc(sizeof(*spare));

	if (!f || !spare) {
		free(f);
		free(spare);
		return NULL;
	}
	f->key = *key;
	f->loader = *loader;
	f->spare = spare;
	f->last = &f->first;
	f->alarm = (struct alarm){ .fn = on_alarm, .arg = f };
	memcpy(f->text, (const char *)key->words + 1, key->len - 1);
	f->next = *chain;
	*chain = f;
	return f;
}

static struct brood_loader resolve(const struct brood_loader *loader)
{
	struct brood_loader resolved = *loader;

	if (resolved.ttl_ms == 0)
		resolved.ttl_ms = TTL_USUAL_MS;
	if (resolved.ttl_ms < TTL_LEAST_MS)
		resolved.ttl_ms = TTL_LEAST_MS;
	if (resolved.timeout_ms == 0)
		resolved.timeout_ms = TIMEOUT_USUAL_MS;
	return resolved;
}

static int join(const struct brood_loader *loader, const struct state_key *key, struct brood_once *once)
{
	const struct brood_loader resolved = resolve(loader);
	struct flight *f = *chain_of(key);
	bool is_new = !f;

	if (is_new)
		f = open_flight(&resolved, key);
	if (!f)
		return -ENOMEM;
	append(f, once);
	if (is_new)
		look(f);
	return 0;
}

int brood_once(const struct brood_loader *loader, const char *key, brood_once_fn *done, void *arg,
	       struct brood_once **ret_once)
{
	struct state *st = state_get();
	struct brood_once *once;
	bool has_landed = false;
	struct state_key k;
	int r;

	if (ret_once)
		*ret_once = NULL;
	if (!st || !state_reactor())
		return -ENOTSUP;
	r = loader->size == sizeof(*loader) && loader->load ? state_key(st, OWNER_ONCE, key, &k) : -EINVAL;
	if (r == 0 && !st->redis)
		r = once_memory_answer(&k, done, arg);
	if (r != 0)
		return r < 0 ? r : 0;
	once = malloc(sizeof(*once));
	if (!once)
		return -ENOMEM;
	*once = (struct brood_once){ .done = done, .arg = arg, .has_landed = &has_landed };
	r = join(loader, &k, once);
	if (has_landed)
		return 0;	/* and what @ret_once is in may be gone */
	once->has_landed = NULL;
	if (r < 0)
		free(once);
	else if (ret_once)
		*ret_once = once;
	return r;
}

void brood_once_cancel(struct brood_once *once)
{
	struct flight *f;

	if (!once)
		return;
	f = once->flight;
	unlink_once(once);
	free(once);
	if (f->first || f->load || f->is_asking || *chain_of(&f->key) != f)
		return;		/* others wait; or it goes on for those who come; or it is just landing */
	close_flight(f);
	free_flight(f);
}
