/* SPDX-License-Identifier: MIT */
/*
 * once_redis - leases and results on a Redis server
 *
 * One question looks, and takes the lease where there is nothing: whose it then is, is decided there. A lease names the
 * pool and the process: the end of one of this pool is seen at once, of any other it is waited for. What finds a lease of
 * its own process has lost the answer that gave it, and has it. Only who waits subscribes; that the subscription has begun
 * is told as a change is, so what happened in between is looked at.
 */
#include "state/once.h"

#include "state/redis.h"
#include "state/room.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct lease {
	uint32_t	kind;		/* as in every record */
	int32_t		pid;
	uint64_t	pool;
};

static void wait_for(struct flight *f, const struct lease *lease, const struct brood_state_answer *a)
{
	pid_t pid = lease->pool == state_get()->redis->pool ? lease->pid : 0;
	uint64_t left_ms = a->number > 0 ? (uint64_t)a->number : 0;
	bool has_changed = f->has_changed;
	int r;

	if (!flight_wait(f, a->version, pid, left_ms)) {
		once_redis_look(f);
		return;
	}
	if (has_changed && f->watch) {
		once_redis_look(f);
		return;
	}
	r = flight_watch(f);
	if (r < 0)
		flight_land(f, r, NULL, 0);
}

static void take_record(struct flight *f, const struct brood_state_answer *a)
{
	struct record head;
	struct lease lease;

	if (a->version == 0 || a->len < RECORD_HEAD) {
		flight_land(f, -EIO, NULL, 0);
		return;
	}
	memcpy(&head, a->value, RECORD_HEAD);	/* it lies anywhere */
	if (head.kind == RECORD_RESULT) {
		flight_land(f, head.number, (const char *)a->value + RECORD_HEAD, a->len - RECORD_HEAD);
	} else if (a->len != sizeof(lease)) {
		flight_land(f, -EIO, NULL, 0);
	} else if (flight_is_empty(f)) {
		flight_land(f, -ECANCELED, NULL, 0);
	} else {
		memcpy(&lease, a->value, sizeof(lease));
		wait_for(f, &lease, a);
	}
}

static void on_looked(const struct brood_state_answer *a, void *arg)
{
	struct flight *f = arg;

	f->is_asking = false;
	if (a->error < 0)
		flight_land(f, a->error, NULL, 0);
	else if (!a->value)
		flight_load(f, a->version);
	else
		take_record(f, a);
}

void once_redis_look(struct flight *f)
{
	const struct lease lease = { RECORD_LEASE, getpid(), state_get()->redis->pool };
	const struct question q = {
		.ask = ASK_LEASE, .key = f->key, .value = &lease, .len = sizeof(lease), .version = f->dead,
		.ttl_ms = f->loader.timeout_ms,
	};
	uint64_t id;
	int r;

	f->has_changed = false;
	f->is_asking = true;
	r = redis_ask(state_get()->redis, &q, on_looked, f, &id);
	if (r < 0) {
		f->is_asking = false;
		flight_land(f, r, NULL, 0);
	}
}

/* Where it cannot be asked, the lease ends by itself. */
void once_redis_keep(const struct brood_load *load, const struct record *record, size_t len, uint32_t ttl_ms)
{
	const struct question q = {
		.ask = ASK_KEEP, .key = load->key, .value = record, .len = record ? len : 0, .version = load->lease,
		.ttl_ms = ttl_ms,
	};
	uint64_t id;

	(void)redis_ask(state_get()->redis, &q, NULL, NULL, &id);
}
