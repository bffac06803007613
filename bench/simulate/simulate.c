/* SPDX-License-Identifier: MIT */
/*
 * simulate - n workers, c connections, a mix of service times: a small discrete-event model of the pool
 *
 * A worker is one loop that serves what it has in the order in which it came. Who gets a connection is the
 * model's business (placement.c); in `preemptive` with --close there is one queue, and an idle
 * worker takes its first: of several the one that slept longest (fifo) or last (lifo), or whoever is first in a
 * line that busy workers stand in too, and only looks when it is done (armed). A share of the requests takes more CPU time in the loop (--spin PERCENT:US), a
 * share waits without keeping the loop (--sleep PERCENT:US). Workers beyond --cores share them equally.
 *
 * What is not in it: the client, the network, the cost of waking and of switching, caches.
 */
#include "simulate.h"

#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEEDS_MAX 100000

const char *const model_words[] = { "reuseport", "preemptive", "round-robin", NULL };
const char *const balance_words[] = { "hash", "weighted", "least", NULL };
const char *const wake_words[] = { "fifo", "lifo", "armed", NULL };

static const char usage[] =
	"usage: simulate --model reuseport|preemptive|round-robin --workers N [--cores K]\n"
	"                (--connections C [--opened one-by-one|burst] [--open-rate PER_SECOND] | --close)\n"
	"                --rate PER_SECOND [--arrivals poisson|uniform] [--seconds S]\n"
	"                --service-us US [--service-shape constant|exponential]\n"
	"                [--spin PERCENT:US] [--sleep PERCENT:US]\n"
	"                [--balance hash|weighted|least] [--wake fifo|lifo|armed] [--seeds N] [--seed X]\n"
	"--rate 0 only places the connections.";

/* What --name takes: a word of a list, a number, or PERCENT:US into two numbers. */
struct setting {
	const char		*name;
	const char *const	*words;
	int			*choice;
	double			*number, *second;
	double			 min, max;
	bool			 whole;
};

static const char *const opened_words[] = { "one-by-one", "burst", NULL };
static const char *const arrival_words[] = { "poisson", "uniform", NULL };
static const char *const shape_words[] = { "constant", "exponential", NULL };

static struct options options = {
	.model = -1, .balance = -1, .wake = -1, .rate = -1,
	.open_rate = 1000, .seconds = 10, .seeds = 1, .seed = 1,
};

static const struct setting settings[] = {
	{ .name = "model", .words = model_words, .choice = &options.model },
	{ .name = "balance", .words = balance_words, .choice = &options.balance },
	{ .name = "wake", .words = wake_words, .choice = &options.wake },
	{ .name = "opened", .words = opened_words, .choice = &options.burst },
	{ .name = "arrivals", .words = arrival_words, .choice = &options.uniform },
	{ .name = "service-shape", .words = shape_words, .choice = &options.exponential },
	{ .name = "workers", .number = &options.workers, .min = 1, .max = SIMULATE_WORKERS_MAX,
	  .whole = true },
	{ .name = "cores", .number = &options.cores, .min = 0.1, .max = SIMULATE_WORKERS_MAX },
	{ .name = "connections", .number = &options.connections, .min = 1, .max = 1e7, .whole = true },
	{ .name = "rate", .number = &options.rate, .max = 1e8 },
	{ .name = "open-rate", .number = &options.open_rate, .min = 1e-3, .max = 1e8 },
	{ .name = "service-us", .number = &options.service_us, .min = 1e-3, .max = 1e9 },
	{ .name = "seconds", .number = &options.seconds, .min = 1e-3, .max = 1e6 },
	{ .name = "seeds", .number = &options.seeds, .min = 1, .max = SEEDS_MAX, .whole = true },
	{ .name = "seed", .number = &options.seed, .max = 1e9, .whole = true },
	{ .name = "spin", .number = &options.spin_percent, .second = &options.spin_us, .max = 100 },
	{ .name = "sleep", .number = &options.sleep_percent, .second = &options.sleep_us, .max = 100 },
	{ .name = "close" },
};

#define N_SETTINGS (sizeof(settings) / sizeof(settings[0]))

static int word_index(const struct setting *s, const char *word)
{
	for (int i = 0; s->words[i]; i++)
		if (strcmp(s->words[i], word) == 0)
			return i;
	errx(2, "--%s: unknown: %s", s->name, word);
}

static double parse_number(const struct setting *s, const char *text, const char **ret_end)
{
	char *end;
	double x = strtod(text, &end);

	if (end == text || !(x >= s->min && x <= s->max) || (s->whole && x != floor(x)))
		errx(2, "--%s: not a %snumber from %g to %g: %s", s->name, s->whole ? "whole " : "",
		     s->min, s->max, text);
	*ret_end = end;
	return x;
}

static void apply(const struct setting *s, const char *text)
{
	static const struct setting us = { .name = "spin or --sleep", .max = 1e9 };
	const char *end = "";

	if (s->words)
		*s->choice = word_index(s, text);
	else if (s->number)
		*s->number = parse_number(s, text, &end);
	else
		options.close = true;
	if (s->second) {
		if (*end != ':')
			errx(2, "--%s wants PERCENT:US, not %s", s->name, text);
		*s->second = parse_number(&us, end + 1, &end);
	}
	if (*end)
		errx(2, "--%s: what is %s?", s->name, end);
}

static void parse_options(int argc, char **argv)
{
	struct option known[N_SETTINGS + 1] = { 0 };
	int at = 0;
	int found;

	for (size_t i = 0; i < N_SETTINGS; i++)
		known[i] = (struct option){
			settings[i].name, settings[i].words || settings[i].number, NULL, 'x'
		};
	while ((found = getopt_long(argc, argv, "", known, &at)) == 'x')
		apply(&settings[at], optarg);
	if (found != -1)
		errx(2, "%s", usage);
	if (optind < argc)
		errx(2, "unexpected argument: %s", argv[optind]);
}

static void require(bool fine, const char *said)
{
	if (!fine)
		errx(2, "%s", said);
}

static void check_options(void)
{
	struct options *o = &options;

	require(o->model >= 0 && o->workers > 0 && o->rate >= 0, "--model, --workers and --rate are needed");
	require(o->close != (o->connections > 0), "either --connections or --close");
	require(!o->close || o->rate > 0, "--close needs a --rate above 0");
	require(o->rate == 0 || o->service_us > 0, "--service-us is needed");
	require(o->balance < 0 || o->model == MODEL_REUSEPORT, "--balance goes with --model reuseport");
	require(o->wake < 0 || o->model == MODEL_PREEMPTIVE, "--wake goes with --model preemptive");
	o->balance = o->balance < 0 ? BALANCE_HASH : o->balance;
	o->wake = o->wake < 0 ? WAKE_FIFO : o->wake;
	o->cores = o->cores > 0 ? o->cores : o->workers;
}

int main(int argc, char **argv)
{
	struct outcome *outcomes = calloc(2, sizeof(*outcomes));	/* the first, and the one at work */
	struct summary *runs;

	parse_options(argc, argv);
	check_options();
	runs = calloc((size_t)options.seeds, sizeof(*runs));
	if (!outcomes || !runs)
		err(1, "memory");
	for (size_t i = 0; i < (size_t)options.seeds; i++) {
		struct outcome *outcome = &outcomes[i > 0];

		simulation_run(&options, (uint64_t)options.seed + i, outcome);
		runs[i] = outcome_summarize(&options, outcome);
	}
	report_print(&options, outcomes, runs, (size_t)options.seeds);
	free(runs);
	free(outcomes);
	return 0;
}
