/* SPDX-License-Identifier: MIT */
/*
 * timeout: 600
 *
 * Seeds 1 to SEEDS (30,000) each give a world, and in each every invariant holds at every step; every hundredth
 * is lived twice, and both lives are the same. SEED=N lives one alone, and prints all that happens.
 */
#include "world/cover.h"
#include "world/kernel.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TWICE_EVERY 100
#define ENOUGH 30000	/* seeds, to have been everywhere */

static uint64_t number_of(const char *variable, uint64_t otherwise)
{
	const char *text = getenv(variable);

	return text ? strtoull(text, NULL, 10) : otherwise;
}

static void live_some(uint64_t n_seeds, unsigned job)
{
	for (uint64_t seed = 1 + job; seed <= n_seeds; seed += JOBS) {
		uint64_t hash;

		cover->seeds[job] = seed;
		hash = world_live(seed, false);

		if (seed % TWICE_EVERY > 1)	/* both jobs' */
			continue;
		holds(world_live(seed, false) == hash, "the second life is another");
		cover_count(&cover->twice);
	}
}

static bool live_all(uint64_t n_seeds)
{
	pid_t jobs[JOBS];
	bool good = true;

	for (unsigned job = 0; job < JOBS; job++) {
		jobs[job] = fork();
		if (jobs[job] == 0) {
			live_some(n_seeds, job);
			_exit(0);
		}
	}
	for (unsigned job = 0; job < JOBS; job++) {
		int status = -1;

		(void)wait4(jobs[job], &status, 0, NULL);
		if (WIFSIGNALED(status))
			printf("seed %" PRIu64 ": the simulation itself died of %s\n", cover->seeds[job],
			       strsignal(WTERMSIG(status)));
		good &= status == 0;
	}
	return good;
}

int main(void)
{
	uint64_t n_seeds = number_of("SEEDS", ENOUGH), seed = number_of("SEED", 0);
	unsigned n_missing;

	cover_init();
	if (seed != 0) {
		printf("hash %016" PRIx64 "\n", world_live(seed, true));
		return 0;
	}
	if (!live_all(n_seeds))
		return 1;
	n_missing = cover_report();
	return n_seeds >= ENOUGH && n_missing > 0;
}
