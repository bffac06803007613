/* SPDX-License-Identifier: MIT */
/* report - everything about a run as one line of JSON */
#include "openloop.h"

#include <stdio.h>

#define RATE_MET 0.98			/* of the rate that was asked for */
#define LATE_MOST 0.01			/* of the requests */

static void print_text(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
	putchar('"');
}

static double us(uint64_t ns)
{
	return (double)ns / 1e3;
}

static const char *yes_no(bool yes)
{
	return yes ? "true" : "false";
}

static void print_percentiles(const char *name, const struct histogram *h)
{
	static const struct { const char *name; double percent; } rows[] = {
		{ "p50", 50 }, { "p90", 90 }, { "p99", 99 }, { "p999", 99.9 }, { "max", 100 },
	};

	printf("\"%s\":{", name);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		printf("\"%s\":%.3f,", rows[i].name, us(histogram_percentile_ns(h, rows[i].percent)));
	printf("\"mean\":%.3f}", histogram_mean_ns(h) / 1e3);
}

static void print_buckets(const char *name, const struct histogram *h)
{
	const char *comma = "";

	printf("\"%s\":[", name);
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		if (h->buckets[i] == 0)
			continue;
		printf("%s[%.3f,%llu]", comma, us(histogram_upper_ns(i)), (unsigned long long)h->buckets[i]);
		comma = ",";
	}
	putchar(']');
}

static void print_options(const struct options *o)
{
	printf("\"arguments\":{\"port\":%u,\"rate\":%.15g,\"seconds\":%.15g,\"warm_up\":%.15g,",
	       o->port, o->rate, o->seconds, o->warm_up);
	printf("\"connections\":%u,\"pipeline\":%u,\"close\":%s,\"arrivals\":\"%s\",\"by_worker\":%s,",
	       o->connections, o->pipeline, yes_no(o->close), o->poisson ? "poisson" : "uniform",
	       yes_no(o->by_worker));
	printf("\"slow_read\":%u,\"tick_us\":%u,\"timeout\":%.15g,\"seed\":%llu,\"mix\":{",
	       o->slow_read, o->tick_us, o->timeout, (unsigned long long)o->seed);
	for (uint32_t i = 0; i < o->n_paths; i++) {
		fputs(i ? "," : "", stdout);
		print_text(o->paths[i].text);
		printf(":%.15g", o->paths[i].percent);
	}
	printf("}}");
}

/*
 * What was sent, by the time it took to send it: a server that does not keep up makes us wait. Asked for is
 * what the schedule has, because with Poisson arrivals it is not quite --rate.
 */
static void print_rate(const struct client *client)
{
	const struct record *r = client->record;
	const struct schedule *s = &client->schedule;
	double began = client->options->warm_up * 1e9;
	double ended = (double)(r->last_sent_ns > s->end_ns ? r->last_sent_ns : s->end_ns);
	double rate = (double)r->sent / ((ended - began) / 1e9);
	double scheduled = (double)(s->n - s->first_recorded);
	double asked = scheduled / client->options->seconds;
	bool met = rate >= RATE_MET * asked && (double)r->late < LATE_MOST * scheduled;

	printf("\"rate\":%.3f,\"achieved_rate\":%.3f,\"rate_met\":%s", asked, rate, yes_no(met));
}

static void print_counts(const struct client *client)
{
	const struct record *r = client->record;
	const struct { const char *name; uint64_t n; } rows[] = {
		{ "scheduled", client->schedule.n - client->schedule.first_recorded }, { "sent", r->sent },
		{ "answered", r->answered }, { "refused", r->refused }, { "reset", r->reset },
		{ "broken", r->broken }, { "unanswered", r->unanswered }, { "late", r->late },
		{ "capped", r->capped }, { "requeued", r->requeued }, { "closed_idle", r->closed_idle },
		{ "stray", r->stray }, { "opened", r->opened }, { "warm_up_failed", r->warm_up_failed },
	};
	const char *comma = "";

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		printf("\"%s\":%llu,", rows[i].name, (unsigned long long)rows[i].n);
	printf("\"statuses\":{");
	for (uint32_t i = 0; i < STATUS_MAX; i++) {
		if (r->statuses[i] == 0)
			continue;
		printf("%s\"%u\":%llu", comma, i, (unsigned long long)r->statuses[i]);
		comma = ",";
	}
	putchar('}');
}

static void print_paths(const struct client *client)
{
	printf("\"paths\":{");
	for (uint32_t i = 0; i < client->options->n_paths; i++) {
		const struct histogram *h = &client->record->paths[i];

		fputs(i ? "," : "", stdout);
		print_text(client->options->paths[i].text);
		printf(":{\"count\":%llu,", (unsigned long long)h->count);
		print_percentiles("latency_us", h);
		putchar('}');
	}
	putchar('}');
}

static void print_workers(const struct workers *workers)
{
	const char *comma = "";

	printf("\"workers\":{");
	for (uint32_t i = 0; i < WORKERS_MAX; i++) {
		const struct worker *w = &workers->places[i];

		if (w->pid == 0)
			continue;
		printf("%s\"%u\":{\"connections\":%llu,\"requests\":%llu}", comma, w->pid,
		       (unsigned long long)w->connections, (unsigned long long)w->requests);
		comma = ",";
	}
	printf("},\"unnamed_answers\":%llu", (unsigned long long)workers->unnamed);
}

static double timeval_us(struct timeval from, struct timeval to)
{
	return (double)(to.tv_sec - from.tv_sec) * 1e6 + (double)(to.tv_usec - from.tv_usec);
}

/* The sum is exact; its parts are sampled by the kernel's tick. */
static void print_client(const struct client *client, uint64_t ended_ns)
{
	const struct record *r = client->record;
	double user = timeval_us(r->before.ru_utime, r->after.ru_utime);
	double sys = timeval_us(r->before.ru_stime, r->after.ru_stime);
	double n = r->sent ? (double)r->sent : 1;
	double took = (double)ended_ns / 1e3 - client->options->warm_up * 1e6;

	printf("\"client\":{\"user_us_per_request\":%.3f,\"sys_us_per_request\":%.3f,"
	       "\"total_us_per_request\":%.3f,\"busy\":%.3f}",
	       user / n, sys / n, (user + sys) / n, (user + sys) / took);
}

void report_print(const struct client *client, uint64_t ended_ns)
{
	const struct record *r = client->record;

	putchar('{');
	print_options(client->options);
	putchar(',');
	print_rate(client);
	putchar(',');
	print_counts(client);
	putchar(',');
	print_percentiles("latency_us", &r->latency);
	putchar(',');
	print_percentiles("service_us", &r->service);
	putchar(',');
	print_percentiles("lateness_us", &r->lateness);
	putchar(',');
	print_percentiles("wake_up_us", &r->wake_up);
	putchar(',');
	print_paths(client);
	putchar(',');
	print_workers(&r->workers);
	putchar(',');
	print_client(client, ended_ns);
	putchar(',');
	print_buckets("histogram", &r->latency);
	putchar(',');
	print_buckets("service_histogram", &r->service);
	printf("}\n");
	fflush(stdout);
}
