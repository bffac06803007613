/* SPDX-License-Identifier: MIT */
/* once_memory - leases and results in shared memory */
#include "state/once.h"

#include "state/room.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define LOOKS 64			/* at a key that others change all the time */
#define LOOKED 1			/* @f is gone, or loads, or waits */

static int take_lease(struct flight *f, uint64_t version)
{
	const struct record record = { .kind = RECORD_LEASE, .number = getpid() };
	uint64_t lease;
	int r = state_write(state_get(), &f->key, version, &record, RECORD_HEAD, f->loader.timeout_ms, &lease);

	if (r < 0)
		return r;
	flight_load(f, lease);
	return LOOKED;
}

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
			return r < 0 ? r : -EIO;
		size = value->len;
	}
	return -EAGAIN;
}

/* Another one's lease. */
static int wait_for(struct flight *f, pid_t pid, const struct state_value *value)
{
	uint64_t now = state_now_ms();
	int r;

	if (value->version == f->dead) {
		r = take_lease(f, f->dead);
		if (r == LOOKED || r == -ESTALE)
			return r;
		pid = 0;	/* for any other reason its time has to end */
	}
	if (flight_wait(f, value->version, pid, value->expires_ms > now ? value->expires_ms - now : 0))
		return LOOKED;
	return -ESTALE;
}

static int look_once(struct flight *f)
{
	struct state_value value;
	struct record *record = NULL;
	int r = read_record(&f->key, &record, &value);

	if (r == -ENOENT)
		return take_lease(f, 0);
	if (r < 0)
		return r;
	if (record->kind == RECORD_RESULT) {
		flight_land(f, record->number, record->value, value.len - RECORD_HEAD);
		r = LOOKED;
	} else {
		r = wait_for(f, record->number, &value);
	}
	free(record);
	return r;
}

void once_memory_look(struct flight *f)
{
	int r = flight_watch(f);	/* first this, then the look */

	if (r == 0)
		r = -ESTALE;
	for (unsigned i = 0; i < LOOKS && r == -ESTALE; i++)
		r = look_once(f);
	if (r < 0)
		flight_land(f, r == -ESTALE ? -EAGAIN : r, NULL, 0);
}

int once_memory_answer(const struct state_key *key, brood_once_fn *done, void *arg)
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

void once_memory_keep(const struct brood_load *load, const struct record *record, size_t len, uint32_t ttl_ms)
{
	int r = -ENOMEM;

	if (record)
		r = state_write(state_get(), &load->key, load->lease, record, len, ttl_ms, NULL);
	if (r < 0 && r != -ESTALE)
		(void)state_remove(state_get(), &load->key, load->lease);	/* others are to look, and one of them to load */
}
