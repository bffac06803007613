/* SPDX-License-Identifier: MIT */
/* Whatever somebody writes into the shared memory, the others neither crash nor hang; they may see nonsense. */
#include "state/store.h"

#include "base/clock.h"
#include "state/room.h"

#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 300

static unsigned char out[BROOD_STATE_VALUE_MAX];

static void use_all(uint64_t *random)
{
	char key[32], seen[BROOD_STATE_KEY_MAX + 1];
	uint64_t cursor = random_next(random) % 5000;

	for (unsigned i = 0; i < 200; i++) {
		snprintf(key, sizeof(key), "k%u", (unsigned)(random_next(random) % 50));
		(void)brood_state_get(key, out, sizeof(out), NULL);
		(void)brood_state_set(key, out, random_next(random) % 3000, 0);
		(void)brood_state_add(key, 1, 0, NULL);
		(void)brood_state_cas(key, i, out, 10, 0);
		if (i % 3 == 0)
			(void)brood_state_delete(key);
	}
	for (unsigned i = 0; i < 100 && brood_state_next(&cursor, seen, sizeof(seen)) != 0; i++)
		;
}

static void scribble(struct state *st, uint64_t *random, bool whole)
{
	unsigned char *region = (unsigned char *)st->region;
	size_t n = st->n_bytes - REGION_BYTES;

	for (unsigned i = 0; i < (whole ? 20000 : 200); i++) {
		size_t at = REGION_BYTES + (whole ? sizeof(pthread_mutex_t) : sizeof(struct shard)) +
			    random_next(random) % (n - 4096);

		region[at] = random_next(random) & 1 ? (unsigned char)random_next(random) : 0xff;
	}
}

int main(void)
{
	uint64_t random = clock_us(), worst = 0;

	printf("SEED=%llu\n", (unsigned long long)random);
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct state *st = store_make(MIB, i & 1);
		pid_t pid;
		int status;
		uint64_t began;

		use_all(&random);
		pid = fork();
		if (pid == 0) {
			if (i % 3 == 0)
				check_equal(lock(st, shard_at(st, 0)), 0);	/* whoever comes repairs nonsense */
			scribble(st, &random, i & 2);
			_exit(0);
		}
		check_equal(waitpid(pid, &status, 0), pid);
		check_equal(status, 0);
		began = clock_ms();
		use_all(&random);
		use_all(&random);
		worst = clock_ms() - began > worst ? clock_ms() - began : worst;
		state_destroy(st);
	}
	printf("2,000 operations on nonsense took %u ms at most\n", (unsigned)worst);
	check(worst < 20000);
	return 0;
}
