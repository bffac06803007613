/* SPDX-License-Identifier: MIT */
/*
 * shared_listener - who gets the connections of a listener that several workers wait on, and at what cost
 *
 * For every method (methods.c) a fresh pool of processes waits on one listener and sees the
 * patterns of patterns.c and the hazards of hazards.c. CPU time is that of
 * all workers (schedstat), the median of --rounds pools, taken in turn.
 */
#include "shared_listener.h"

#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#define ROUNDS_MAX 99

static const char *const pattern_names[] = { "one by one", "bursts of 4", "churn" };

static unsigned n_rounds = 3;

static int compare_cpu(const void *a, const void *b)
{
	double x = ((const struct result *)a)->cpu_us;
	double y = ((const struct result *)b)->cpu_us;

	return (x > y) - (x < y);
}

static void print_counts(const uint64_t *counts)
{
	char text[SHARED_WORKERS_MAX * 21 + 1];
	size_t len = 0;

	for (unsigned i = 0; i < n_workers; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%llu", i ? "/" : "",
					(unsigned long long)counts[i]);
	printf("  %-24s", text);
}

/* Sorts the rounds and prints the middle one. */
static void print_row(const char *name, enum pattern pattern, struct result *rounds)
{
	const struct result *middle = &rounds[n_rounds / 2];

	qsort(rounds, n_rounds, sizeof(*rounds), compare_cpu);
	printf("%-38s  %-11s", name, pattern_names[pattern]);
	print_counts(middle->connections);
	print_counts(middle->wakeups);
	printf("  %6.2f (%.2f..%.2f)\n", middle->cpu_us, rounds[0].cpu_us, rounds[n_rounds - 1].cpu_us);
}

static void print_patterns(struct result (*results)[N_PATTERNS][ROUNDS_MAX])
{
	printf("%u workers on one listener; CPU: the median of %u pools (least..most)\n\n", n_workers,
	       n_rounds);
	printf("%-38s  %-11s  %-24s  %-24s  %s\n", "method", "pattern", "connections per worker",
	       "wake-ups per worker", "CPU us/connection");
	for (unsigned m = 0; m < shared_n_methods; m++)
		for (enum pattern p = 0; p < N_PATTERNS; p++)
			print_row(p == 0 ? shared_methods[m].name : "", p, results[m][p]);
}

static void print_hazards(void)
{
	printf("\n%-38s  %-12s  %-27s  %s\n", "method", "lost of 8", "wait while one is busy, ms",
	       "CPU us/other work");
	for (unsigned m = 0; m < shared_n_methods; m++) {
		const struct method *method = &shared_methods[m];

		printf("%-38s  %-12u", method->name, worst_loss(method));
		if (!method->blocking)
			printf("  %-27.1f  %.2f", (double)wait_behind_busy_us(method) / 1e3,
			       other_work_us(method));
		printf("\n");
		fflush(stdout);
	}
}

static unsigned parse_number(const char *text, unsigned min, unsigned max)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || n < min || n > max)
		errx(2, "%s is not a number from %u to %u", text, min, max);
	return (unsigned)n;
}

static void parse_options(int argc, char **argv)
{
	static const struct option known[] = {
		{ "workers", required_argument, NULL, 'w' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "port", required_argument, NULL, 'p' },
		{ "churn-ms", required_argument, NULL, 'c' },
		{ 0 }
	};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case 'w': n_workers = parse_number(optarg, 1, SHARED_WORKERS_MAX); break;
		case 'r': n_rounds = parse_number(optarg, 1, ROUNDS_MAX); break;
		case 'p': port = (uint16_t)parse_number(optarg, 1, 65535); break;
		case 'c': churn_ms = parse_number(optarg, 10, 60000); break;
		default: errx(2, "usage: [--workers N] [--rounds N] [--port N] [--churn-ms N]");
		}
	}
	if (optind < argc)
		errx(2, "unexpected argument: %s", argv[optind]);
}

int main(int argc, char **argv)
{
	struct result (*results)[N_PATTERNS][ROUNDS_MAX];

	parse_options(argc, argv);
	tallies_init();
	results = calloc(shared_n_methods, sizeof(*results));
	if (!results)
		err(1, "memory");
	for (unsigned round = 0; round < n_rounds; round++)
		for (unsigned m = 0; m < shared_n_methods; m++)
			for (enum pattern p = 0; p < N_PATTERNS; p++)
				measure(&shared_methods[m], p, &results[m][p][round]);
	print_patterns(results);
	print_hazards();
	free(results);
	return 0;
}
