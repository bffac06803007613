/* SPDX-License-Identifier: MIT */
/*
 * Processes that hammer one store are killed a thousand times: every value is one that somebody wrote whole, counters are
 * exact but for what was in flight, no block is lost, nobody waits for the dead.
 */
#include "state/store.h"

#include "base/clock.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define HAMMERS 4
#define KILLS 1000
#define COUNTERS 8
#define KEYS 60
#define WAIT_MS 10000		/* for a process to do anything at all, on whatever machine */

struct tally {
	_Atomic uint64_t	begun[COUNTERS];
	_Atomic uint64_t	done[COUNTERS];
	_Atomic uint64_t	operations;
};

static struct tally *tallies;		/* of each hammer */
static struct state *store;
static unsigned char value[BROOD_STATE_VALUE_MAX], out[BROOD_STATE_VALUE_MAX];

static void name_key(char key[32], uint64_t r)
{
	snprintf(key, 32, "k%u", (unsigned)(r % KEYS));
}

/* A holder that the machine does not run for long is told of; one that is dead is not. */
static void check_written(int r)
{
	check(r == 0 || r == -EAGAIN || r == -ENOENT || r == -ESTALE || r == -ENOSPC);
}

static void read_one(const char *key)
{
	int n = brood_state_get(key, out, sizeof(out), NULL);

	check(n == -ENOENT || n == -EAGAIN || (n >= 0 && is_filled(out, (size_t)n)));
}

static void count_one(struct tally *tally, unsigned counter)
{
	char key[32];
	int64_t sum;
	int r;

	snprintf(key, sizeof(key), "count%u", counter);
	atomic_fetch_add(&tally->begun[counter], 1);
	r = brood_state_add(key, 1, 0, &sum);
	check(r == 0 || r == -EAGAIN);
	if (r == 0)
		atomic_fetch_add(&tally->done[counter], 1);
	else
		atomic_fetch_sub(&tally->begun[counter], 1);
}

static void compare_one(const char *key, uint64_t r)
{
	uint64_t version = 0;
	int n = brood_state_get(key, out, sizeof(out), &version);

	check(n >= 0 || n == -ENOENT || n == -EAGAIN);
	fill(value, 32, (uint32_t)r);
	check_written(brood_state_cas(key, version, value, 32, 0));
}

static void hammer(struct tally *tally, uint64_t random)
{
	for (;;) {
		uint64_t r = random_next(&random);
		size_t len = r >> 20 & 7 ? r >> 24 & 255 : (r >> 24) % 9000;
		char key[32];

		name_key(key, r >> 40);
		switch (r & 7) {
		case 0: case 1:
			fill(value, len, (uint32_t)r);
			check_written(brood_state_set(key, value, len, r & 8 ? 0 : 1 + (r >> 8) % 50));
			break;
		case 2: case 3: case 4:
			count_one(tally, (unsigned)(r >> 4) % COUNTERS);
			break;
		case 5:
			check_written(brood_state_delete(key));
			break;
		case 6:
			compare_one(key, r);
			break;
		default:
			read_one(key);
		}
		atomic_fetch_add_explicit(&tally->operations, 1, memory_order_relaxed);
	}
}

static pid_t start(unsigned i, uint64_t seed)
{
	pid_t pid = fork();

	check(pid >= 0);
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	hammer(&tallies[i], seed);
	_exit(0);
}

static void await_work(unsigned i)
{
	uint64_t before = atomic_load(&tallies[i].operations), until = clock_ms() + WAIT_MS;

	while (atomic_load(&tallies[i].operations) == before) {
		check(clock_ms() < until);
		nanosleep(&(struct timespec){ .tv_nsec = 200000 }, NULL);
	}
}

static void end(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	check_equal(waitpid(pid, &status, 0), pid);
	check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);	/* and not by a check of its own */
}

static void check_counters(void)
{
	for (unsigned c = 0; c < COUNTERS; c++) {
		uint64_t begun = 0, done = 0;
		char key[32];
		int64_t sum;

		for (unsigned i = 0; i < HAMMERS; i++) {
			begun += atomic_load(&tallies[i].begun[c]);
			done += atomic_load(&tallies[i].done[c]);
		}
		snprintf(key, sizeof(key), "count%u", c);
		check_equal(brood_state_add(key, 0, 0, &sum), 0);
		if ((uint64_t)sum < done || (uint64_t)sum > begun)
			fprintf(stderr, "counter %u: %lld, of %llu done and %llu begun\n", c, (long long)sum,
				(unsigned long long)done, (unsigned long long)begun);
		check((uint64_t)sum >= done && (uint64_t)sum <= begun);
		check(begun - done <= KILLS + HAMMERS);
	}
}

/* As nobody is left who could hold anything, everything can be written, and taken away. */
static void check_store(void)
{
	char key[32];

	for (unsigned i = 0; i < KEYS; i++) {
		name_key(key, i);
		read_one(key);
		fill(value, 100, i);
		check_equal(brood_state_set(key, value, 100, 0), 0);
	}
	check_counters();
	delete_all();
	check_whole(store);
}

static void run(bool evicts, unsigned n_kills, uint64_t *random)
{
	pid_t pids[HAMMERS];
	uint64_t n_operations = 0, started = clock_ms(), repairs = state_counters()->repairs;

	store = store_make(MIB, evicts);
	memset(tallies, 0, HAMMERS * sizeof(*tallies));
	for (unsigned c = 0; c < COUNTERS; c++) {
		char key[32];

		snprintf(key, sizeof(key), "count%u", c);
		check_equal(brood_state_add(key, 0, 0, NULL), 0);
	}
	for (unsigned i = 0; i < HAMMERS; i++)
		pids[i] = start(i, random_next(random));
	for (unsigned k = 0; k < n_kills; k++) {
		unsigned victim = random_next(random) % HAMMERS;

		await_work(victim);
		nanosleep(&(struct timespec){ .tv_nsec = (long)(random_next(random) % 5000000) }, NULL);
		end(pids[victim]);
		read_one("k1");
		pids[victim] = start(victim, random_next(random));
	}
	for (unsigned i = 0; i < HAMMERS; i++) {
		await_work(i);
		end(pids[i]);
		n_operations += atomic_load(&tallies[i].operations);
	}
	check_store();
	printf("%s: %u kills, %llu operations, %u ms, %u repairs by this process\n", evicts ? "evict" : "refuse", n_kills,
	       (unsigned long long)n_operations, (unsigned)(clock_ms() - started),
	       (unsigned)(state_counters()->repairs - repairs));
	state_destroy(store);
}

int main(void)
{
	uint64_t random = clock_us();
	const char *seed = getenv("SEED");

	if (seed)
		random = strtoull(seed, NULL, 10);
	printf("SEED=%llu\n", (unsigned long long)random);
	tallies = mmap(NULL, HAMMERS * sizeof(*tallies), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	check(tallies != MAP_FAILED);
	run(false, KILLS, &random);
	run(true, KILLS / 5, &random);
	return 0;
}
