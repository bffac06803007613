/* SPDX-License-Identifier: MIT */
/*
 * simulate_report - what came out, as one line of JSON
 */
#include "simulate.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>

struct spread {
	double	max_over_mean;
	double	cv;			/* standard deviation over mean */
	double	idle;
};

static struct spread spread_of(const uint64_t *counts, unsigned n)
{
	struct spread s = { 0 };
	double max = 0;
	double sum = 0;
	double squares = 0;

	for (unsigned i = 0; i < n; i++) {
		double x = (double)counts[i];

		max = fmax(max, x);
		sum += x;
		squares += x * x;
		s.idle += x == 0;
	}
	if (sum > 0) {
		s.max_over_mean = max * n / sum;
		s.cv = sqrt(fmax(0, squares * n / (sum * sum) - 1));
	}
	return s;
}

static double p99_us(const struct histogram *h)
{
	return h->n > 0 ? histogram_quantile_us(h, 0.99) : NAN;
}

struct summary outcome_summarize(const struct options *o, const struct outcome *outcome)
{
	struct spread connections = spread_of(outcome->connections, (unsigned)o->workers);
	struct spread requests = spread_of(outcome->requests, (unsigned)o->workers);

	return (struct summary){
		.max_over_mean = connections.max_over_mean,
		.requests_max_over_mean = requests.max_over_mean > 0 ? requests.max_over_mean : NAN,
		.idle = connections.idle,
		.p99_us = p99_us(&outcome->all),
		.p99_others_us = p99_us(&outcome->others),
	};
}

static void print_latency(const char *name, const struct histogram *h)
{
	if (h->n == 0) {
		printf("\"%s\": null", name);
		return;
	}
	printf("\"%s\": {\"p50\": %.3f, \"p90\": %.3f, \"p99\": %.3f, \"p999\": %.3f, \"max\": %.3f, "
	       "\"mean\": %.3f, \"n\": %llu}", name, histogram_quantile_us(h, 0.5),
	       histogram_quantile_us(h, 0.9), histogram_quantile_us(h, 0.99),
	       histogram_quantile_us(h, 0.999), h->max_us,
	       h->sum_us / (double)h->n, (unsigned long long)h->n);
}

static void print_counts(const char *name, const uint64_t *counts, unsigned n)
{
	struct spread s = spread_of(counts, n);

	printf(", \"%s\": {\"per_worker\": [", name);
	for (unsigned i = 0; i < n; i++)
		printf("%s%llu", i ? ", " : "", (unsigned long long)counts[i]);
	printf("], \"max_over_mean\": %.4f, \"cv\": %.4f, \"idle\": %.0f}", s.max_over_mean, s.cv, s.idle);
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static double sorted_quantile(const double *values, size_t n, double q)
{
	double at = q * (double)(n - 1);
	size_t below = (size_t)at;
	size_t above = below + 1 < n ? below + 1 : below;

	return values[below] + (at - (double)below) * (values[above] - values[below]);
}

static void print_range(const char *name, const struct summary *runs, size_t n, size_t offset,
			double *values)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		values[i] = *(const double *)((const char *)&runs[i] + offset);
		sum += values[i];
	}
	if (isnan(sum)) {
		printf("\"%s\": null", name);
		return;
	}
	qsort(values, n, sizeof(*values), compare_doubles);
	printf("\"%s\": {\"mean\": %.4f, \"low\": %.4f, \"high\": %.4f}", name, sum / (double)n,
	       sorted_quantile(values, n, 0.025), sorted_quantile(values, n, 0.975));
}

static void print_parameters(const struct options *o)
{
	printf("{\"model\": \"%s\", \"balance\": \"%s\", \"wake\": \"%s\", ", model_words[o->model],
	       balance_words[o->balance], wake_words[o->wake]);
	printf("\"workers\": %.0f, \"cores\": %g, ", o->workers, o->cores);
	if (o->close)
		printf("\"connections\": null, \"close\": true");
	else
		printf("\"connections\": %.0f, \"close\": false", o->connections);
	printf(", \"rate\": %g, \"service_us\": %g, \"seconds\": %g, \"seeds\": %.0f, \"seed\": %.0f, ",
	       o->rate, o->service_us, o->seconds, o->seeds, o->seed);
}

void report_print(const struct options *o, const struct outcome *first, struct summary *runs, size_t n_runs)
{
	static const struct {
		const char	*name;
		size_t		 offset;
	} ranges[] = {
		{ "max_over_mean", offsetof(struct summary, max_over_mean) },
		{ "requests_max_over_mean", offsetof(struct summary, requests_max_over_mean) },
		{ "idle", offsetof(struct summary, idle) },
		{ "p99_us", offsetof(struct summary, p99_us) },
		{ "p99_others_us", offsetof(struct summary, p99_others_us) },
	};
	double *values = malloc(n_runs * sizeof(*values));

	if (!values)
		err(1, "memory");
	print_parameters(o);
	printf("\"latency_us\": {");
	print_latency("all", &first->all);
	printf(", ");
	print_latency("others", &first->others);
	printf("}");
	print_counts("connections_of", first->connections, (unsigned)o->workers);
	print_counts("requests_of", first->requests, (unsigned)o->workers);
	printf(", \"utilisation\": %.4f, \"over_seeds\": {", first->utilisation);
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		printf("%s", i ? ", " : "");
		print_range(ranges[i].name, runs, n_runs, ranges[i].offset, values);
	}
	printf("}}\n");
	free(values);
}
