/* SPDX-License-Identifier: MIT */
/*
 * once - one computation for all who ask, in whatever worker
 *
 * Under a key of its own in the store lies a lease, which says who loads, and later what was loaded. Whoever finds nothing
 * puts a lease there, which one of them can, and loads; everybody else waits, as many as they are in a worker together
 * (a flight), for a change of that key, for the end of the loader's process (a pidfd), or for the lease to expire, and
 * looks again.
 */
#include "state/room.h"

#include "reactor/reactor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#define OWNER_ONCE 'o'
#define N_CHAINS 1024
#define LOOKS 64			/* at a key that others change all the time */
#define TTL_USUAL_MS 1000
#define TTL_LEAST_MS 100
#define ERROR_TTL_MOST_MS 1000
#define TIMEOUT_USUAL_MS 10000
#define LATE_MS 8			/* that the store's clock may be behind the loop's */

enum record_kind { RECORD_LEASE = 1, RECORD_RESULT };

struct record {
	uint32_t	kind;
	int32_t		number;		/* the process that loads; the error */
	char		value[];
};
#define RECORD_HEAD sizeof(struct record)

struct flight;

struct brood_once {
	struct brood_once	*next;
	struct brood_once	**link;		/* what names it */
	struct flight		*flight;
	brood_once_fn		*done;
	void			*arg;
	bool			*has_landed;	/* of who is just asking; NULL = nobody is */
};

struct flight {
	struct flight		*next;
	struct state_key	 key;
	struct brood_loader	 loader;
	struct brood_once	*first;
	struct brood_once	**last;
	struct brood_load	*load;		/* ours; NULL = somebody else loads */
	struct brood_watch	*watch;
	struct watch		*loader_watch;	/* of a pidfd */
	uint64_t		 lease;		/* its version */
	struct alarm		 alarm;
	char			 text[STATE_KEY_MAX + 1];
};

struct brood_load {
	struct flight		*flight;	/* NULL = it took too long */
	struct state_key	 key;
	uint64_t		 lease;
	uint32_t		 ttl_ms;
};

static struct flight *chains[N_CHAINS];

static void look(struct flight *f);

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

/* Everybody is told, and may ask again, or cancel others, while they are. */
static void land(struct flight *f, int error, const void *value, size_t len)
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
	free(f);
}

/* ---- loading ---- */

/* Others who wait are to look now, and one of them to load. */
static void give_up_lease(const struct state_key *key, uint64_t lease)
{
	(void)state_remove(state_get(), key, lease);
}

static int write_lease(const struct flight *f, uint64_t version, uint64_t *ret_lease)
{
	const struct record record = { .kind = RECORD_LEASE, .number = getpid() };

	return state_write(state_get(), &f->key, version, &record, RECORD_HEAD, f->loader.timeout_ms, ret_lease);
}

/* With the lease. @f may be gone afterwards. */
static void begin_load(struct flight *f, uint64_t lease)
{
	struct brood_load *load = malloc(sizeof(*load));

	if (!load) {
		give_up_lease(&f->key, lease);
		land(f, -ENOMEM, NULL, 0);
		return;
	}
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
	int r = record ? 0 : -ENOMEM;

	if (record) {
		record->kind = RECORD_RESULT;
		record->number = error;
		if (len > 0)
			memcpy(record->value, value, len);
		r = state_write(state_get(), &load->key, load->lease, record, RECORD_HEAD + len, ttl_ms, NULL);
	}
	if (r < 0 && r != -ESTALE)
		give_up_lease(&load->key, load->lease);
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
		land(f, error, value, len);
	}
	free(load);
}

/* ---- waiting ---- */

/* The loader's process has ended: whoever of us is first takes its lease over. */
static void on_loader_gone(void *arg)
{
	struct flight *f = arg;
	uint64_t lease;
	int r = write_lease(f, f->lease, &lease);

	if (r == 0)
		begin_load(f, lease);
	else if (r == -ESTALE)
		look(f);	/* for any other reason its time has to end */
}

static void on_change(const char *key, void *arg)
{
	struct flight *f = arg;

	if (!f->load)
		look(f);
}

/* The time of a load is over, ours or another's. */
static void on_alarm(void *arg)
{
	struct flight *f = arg;

	if (f->load)
		f->load->flight = NULL;
	f->load = NULL;
	look(f);
}

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

static void wait_for(struct flight *f, pid_t pid, const struct state_value *value)
{
	uint64_t now = state_now_ms();

	stop_waiting(f);
	f->lease = value->version;
	reactor_alarm(state_reactor(), &f->alarm, state_reactor()->engine->now_ms + LATE_MS +
		      (value->expires_ms > now ? value->expires_ms - now : 0));
	if (!watch_loader(f, pid))
		on_loader_gone(f);
}

/* ---- looking ---- */

/* Return: 0 and a record the caller frees, or -errno. */
static int read_record(const struct state_key *key, struct record **ret_record, struct state_value *value)
{
	size_t size = 512;

	for (unsigned i = 0; i < LOOKS; i++) {
		struct record *record = malloc(size);
		int r = record ? state_read(state_get(), key, record, size, value) : -ENOMEM;

		if (r == 0 && (value->is_number || value->len < RECORD_HEAD))
			r = -EIO;
		if (r == 0) {
			*ret_record = record;
			return 0;
		}
		free(record);
		if (r != -ENOSPC)
			return r;
		size = value->len;
	}
	return -EAGAIN;
}

/* @f is gone afterwards, or waits. */
static void look(struct flight *f)
{
	struct state_value value;
	struct record *record = NULL;
	uint64_t lease;
	int r = -EAGAIN;

	for (unsigned i = 0; i < LOOKS; i++) {
		r = read_record(&f->key, &record, &value);
		if (r == 0 && record->kind == RECORD_RESULT) {
			land(f, record->number, record->value, value.len - RECORD_HEAD);
			free(record);
			return;
		}
		if (r == 0) {
			pid_t pid = record->number;

			free(record);
			wait_for(f, pid, &value);
			return;
		}
		if (r == -ENOENT)
			r = write_lease(f, 0, &lease);
		if (r == 0) {
			begin_load(f, lease);
			return;
		}
		if (r != -ESTALE)
			break;
	}
	land(f, r, NULL, 0);
}

static int open_flight(const struct brood_loader *loader, const struct state_key *key, struct flight **ret_flight)
{
	struct flight *f = calloc(1, sizeof(*f)), **chain = chain_of(key);
	int r;

	if (!f)
		return -ENOMEM;
	f->key = *key;
	f->loader = *loader;
	f->last = &f->first;
	f->alarm = (struct alarm){ .fn = on_alarm, .arg = f };
	memcpy(f->text, (const char *)key->words + 1, key->len - 1);
	r = state_watch(state_get(), key, on_change, f, &f->watch);	/* first this, then the look */
	if (r < 0) {
		free(f);
		return r;
	}
	f->next = *chain;
	*chain = f;
	*ret_flight = f;
	return 0;
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

/* Return: 1 = @done was called; 0, or -errno. */
static int answer_at_once(const struct state_key *key, brood_once_fn *done, void *arg)
{
	struct state_value value;
	struct record *record = NULL;
	int r = read_record(key, &record, &value);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	if (record->kind == RECORD_RESULT) {
		done(record->number, record->value, value.len - RECORD_HEAD, arg);
		r = 1;
	}
	free(record);
	return r;
}

static int join(const struct brood_loader *loader, const struct state_key *key, struct brood_once *once)
{
	const struct brood_loader resolved = resolve(loader);
	struct flight *f = *chain_of(key);
	bool is_new = !f;
	int r = is_new ? open_flight(&resolved, key, &f) : 0;

	if (r < 0)
		return r;
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
	if (!st || st->redis || !state_reactor())
		return -ENOTSUP;
	r = loader->size == sizeof(*loader) && loader->load ? state_key(st, OWNER_ONCE, key, &k) : -EINVAL;
	if (r == 0)
		r = answer_at_once(&k, done, arg);
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
	if (f->first || f->load || *chain_of(&f->key) != f)
		return;		/* others wait; or it goes on for those who come; or it is just landing */
	close_flight(f);
	free(f);
}
