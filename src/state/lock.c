/* SPDX-License-Identifier: MIT */
/*
 * lock - one writer in a shard, for a bounded time, whoever dies
 *
 * The kernel tells the next one that the holder has died, at whatever instruction; then what is published is what counts.
 * One that is stopped while it holds the lock costs another LOCK_MS once; after that, and until the lock is free again,
 * nobody waits for it any more.
 */
#include "state/room.h"

#include "base/log.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#define SPINS 200	/* most are held for less than this takes */

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#else
	atomic_signal_fence(memory_order_seq_cst);
#endif
}

static int spin(pthread_mutex_t *mutex)
{
	int r = pthread_mutex_trylock(mutex);

	for (unsigned i = 0; i < SPINS && r == EBUSY; i++) {
		relax();
		r = pthread_mutex_trylock(mutex);
	}
	return r;
}

static int wait_for(pthread_mutex_t *mutex)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += LOCK_MS * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_nsec -= 1000000000L;
		until.tv_sec++;
	}
	return pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, &until);
}

static void take_over(const struct state *st, struct shard *sh)
{
	state_counts.repairs++;
	repair(st, sh);
	tell_lost(st, sh);
	(void)pthread_mutex_consistent(&sh->lock);
	log_info("shared state: a process died while it wrote in shard %u; put in order by pid %d, %u entries",
		 shard_index(st, sh), (int)getpid(), sh->n_entries);
}

int lock(struct state *st, struct shard *sh)
{
	uint64_t bit = UINT64_C(1) << shard_index(st, sh);
	int r = spin(&sh->lock);

	if (r == EBUSY && !(st->stuck & bit))
		r = wait_for(&sh->lock);
	if (r == EOWNERDEAD) {
		take_over(st, sh);
		r = 0;
	}
	if (r != 0) {		/* what is no lock any more has been overwritten by somebody */
		st->stuck |= bit;
		state_counts.timeouts++;
		return -EAGAIN;
	}
	st->stuck &= ~bit;
	return 0;
}

void unlock(struct shard *sh)
{
	(void)pthread_mutex_unlock(&sh->lock);
}
