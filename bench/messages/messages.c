/* SPDX-License-Identifier: MIT */
/*
 * messages - how many messages of 64 bytes go one way in a second, and how long one takes there and back
 *
 * From worker to worker, and from a worker to the functions of brood_on(), by way of the parent each; 5 runs of a
 * second, and 5000 round trips one after the other on an idle pool. The null is two processes with one SOCK_SEQPACKET
 * pair between them, without batches and without a parent; for the round trip with a third that passes each message
 * on, as the parent does. With --slices all that was measured is printed, for bench/programs.py.
 */
#include "brood.h"

#include <err.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SIZE 64
#define RUNS 5
#define N_TRIPS 5000
#define RUN_NS 1000000000ull

static bool as_slices;			/* all there are, and no table */

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print_slices(const char *what, const double *values, unsigned n)
{
	printf("%s\t", what);
	for (unsigned i = 0; i < n; i++)
		printf("%.2f ", values[i]);
	printf("\n");
	fflush(stdout);
}

static void print_rates(const char *what, double *rates)
{
	if (as_slices) {
		print_slices(what, rates, RUNS);
		return;
	}
	qsort(rates, RUNS, sizeof(*rates), by_value);
	printf("%-34s %9.0f/s  (%.0f .. %.0f)\n", what, rates[RUNS / 2], rates[0], rates[RUNS - 1]);
	fflush(stdout);
}

static void print_trips(const char *what, double *us)
{
	if (as_slices) {
		print_slices(what, us, N_TRIPS);
		return;
	}
	qsort(us, N_TRIPS, sizeof(*us), by_value);
	printf("%-34s %9.1f us  (p10 %.1f, p90 %.1f, p99 %.1f)\n", what, us[N_TRIPS / 2], us[N_TRIPS / 10],
	       us[N_TRIPS * 9 / 10], us[N_TRIPS * 99 / 100]);
	fflush(stdout);
}

/* ---- the pool ---- */

enum step { WORKER_RATE, HELPER_RATE, WORKER_TRIP, HELPER_TRIP, N_STEPS };

/* What goes over: a kind, and what it is about. */
struct text {
	enum { ORDER, LOAD, LAST, PING, PONG, DONE } kind;
	enum step step;
	uint64_t at_ns;
	double value;
	char rest[SIZE - 32];
};
_Static_assert(sizeof(struct text) <= SIZE, "a message");

static enum step step;			/* of the sender, who is the worker of slot 0 */
static uint64_t until_ns, n_received, began_ns;
static double rates[RUNS], trips[N_TRIPS];
static unsigned n_done, n_trips;

static int64_t post(enum brood_to to, uint32_t which, const struct text *text)
{
	char packet[SIZE] = "";

	memcpy(packet, text, sizeof(*text));
	return brood_send(to, which, packet, SIZE, -1);
}

static int64_t post_kind(int kind)
{
	const struct text text = { .kind = kind, .step = step, .at_ns = now_ns() };

	if (step == HELPER_RATE || step == HELPER_TRIP)
		return post(BROOD_TO_PARENT, 0, &text);
	return post(BROOD_TO_SLOT, 1, &text);
}

static void say_done(double value)
{
	const struct text text = { .kind = DONE, .step = step, .value = value };

	post(BROOD_TO_PARENT, 0, &text);
}

static void load(void *arg)
{
	int64_t r = 0;

	if (until_ns == 0)
		return;
	for (unsigned i = 0; r >= 0; i++) {
		if (i % 256 == 0 && now_ns() >= until_ns)
			break;
		r = post_kind(LOAD);
	}
	if (r >= 0 && post_kind(LAST) >= 0)
		until_ns = 0;
}

static void begin(enum step next)
{
	step = next;
	n_trips = 0;
	if (step == WORKER_TRIP || step == HELPER_TRIP) {
		post_kind(PING);
		return;
	}
	until_ns = now_ns() + RUN_NS;
	load(NULL);
}

static void on_pong(const struct text *text)
{
	trips[n_trips++] = (double)(now_ns() - text->at_ns) / 1000;
	if (n_trips < N_TRIPS) {
		post_kind(PING);
		return;
	}
	print_trips(step == WORKER_TRIP ? "worker to worker and back" : "worker to callbacks and back", trips);
	say_done(0);
}

/* Who receives: the time counts from the first. Return: the rate, 0 = it is not over. */
static double count(const struct text *text)
{
	double rate;

	if (n_received++ == 0)
		began_ns = now_ns();
	if (text->kind != LAST)
		return 0;
	rate = (double)n_received * 1e9 / (double)(now_ns() - began_ns);
	n_received = 0;
	return rate;
}

static void answer(const struct brood_message *m, struct text *text)
{
	text->kind = PONG;
	post(BROOD_TO_WORKER, m->from_id, text);
}

static void on_message(const struct brood_message *m, void *arg)
{
	struct text text;
	double rate;

	memcpy(&text, m->data, sizeof(text));
	if (text.kind == ORDER)
		begin(text.step);
	else if (text.kind == PING)
		answer(m, &text);
	else if (text.kind == PONG)
		on_pong(&text);
	else if ((rate = count(&text)) > 0)
		say_done(rate);
}

/* ---- the callbacks ---- */

static void order(enum step next)
{
	const struct text text = { .kind = ORDER, .step = next };

	if (next == N_STEPS)
		kill(getppid(), SIGTERM);
	else
		post(BROOD_TO_SLOT, 0, &text);
}

static void on_done(const struct text *text, double rate)
{
	if (text->step == WORKER_TRIP || text->step == HELPER_TRIP) {
		order(text->step + 1);
		return;
	}
	rates[n_done++] = rate;
	if (n_done < RUNS) {
		order(text->step);
		return;
	}
	print_rates(text->step == WORKER_RATE ? "worker to worker" : "worker to callbacks", rates);
	n_done = 0;
	order(text->step + 1);
}

static void on_event(const struct brood_event *e, void *arg)
{
	static unsigned n_listening;
	struct text text;
	double rate;

	if (e->type == BROOD_EVENT_LISTENING && ++n_listening == 2)
		order(WORKER_RATE);
	if (e->type != BROOD_EVENT_MESSAGE)
		return;
	memcpy(&text, e->message->data, sizeof(text));
	if (text.kind == PING)
		answer(e->message, &text);
	else if (text.kind == DONE)
		on_done(&text, text.value);
	else if ((rate = count(&text)) > 0)
		on_done(&text, rate);
}

static void handle(struct brood_request *request, void *arg)
{
	brood_respond(request, 200, NULL, NULL, 0);
}

static void run_pool(void)
{
	struct brood_options options = BROOD_OPTIONS_INIT;
	struct brood *brood;

	options.workers = 2;
	options.log_level = BROOD_LOG_ERROR;
	if (brood_create(&options, &brood) < 0 || brood_listen(brood, "127.0.0.1:0") < 0)
		exit(1);
	brood_http(brood, handle, NULL);
	brood_on_message(on_message, NULL);
	brood_on_room(load, NULL);
	brood_on(brood, BROOD_EVENT_LISTENING, on_event, NULL);
	brood_on(brood, BROOD_EVENT_MESSAGE, on_event, NULL);
	(void)brood_run(brood);
	brood_destroy(brood);
}

/* ---- the null ---- */

static void pair(int ends[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) < 0)
		err(1, "socketpair");
}

static double null_rate(void)
{
	char packet[SIZE] = "";
	uint64_t n = 0, from_ns;
	double rate = 0;
	int ends[2];

	pair(ends);
	if (fork() == 0) {
		close(ends[0]);
		for (from_ns = now_ns(); now_ns() < from_ns + RUN_NS;)
			for (int i = 0; i < 256; i++)
				(void)!send(ends[1], packet, SIZE, 0);
		_exit(0);
	}
	close(ends[1]);
	for (from_ns = now_ns(); recv(ends[0], packet, SIZE, 0) > 0;)
		n++;
	rate = (double)n * 1e9 / (double)(now_ns() - from_ns);
	close(ends[0]);
	wait(NULL);
	return rate;
}

/* Each passes on what it gets from either to the other. */
static void pass(int one, int other)
{
	struct pollfd at[2] = { { one, POLLIN, 0 }, { other, POLLIN, 0 } };
	char packet[SIZE];

	for (;;) {
		(void)poll(at, 2, -1);
		for (int i = 0; i < 2; i++)
			if (at[i].revents & (POLLIN | POLLHUP)) {
				if (recv(at[i].fd, packet, SIZE, 0) <= 0)
					_exit(0);
				(void)!send(at[!i].fd, packet, SIZE, 0);
			}
	}
}

static void echo(int fd)
{
	struct pollfd at = { fd, POLLIN, 0 };
	char packet[SIZE];

	while (poll(&at, 1, -1) == 1 && recv(fd, packet, SIZE, 0) > 0)
		(void)!send(fd, packet, SIZE, 0);
	_exit(0);
}

static void null_trip(void)
{
	char packet[SIZE] = "";
	int ours[2], theirs[2];
	struct pollfd at;

	pair(ours);
	pair(theirs);
	if (fork() == 0) {
		close(ours[0]);
		close(theirs[1]);
		pass(ours[1], theirs[0]);
	}
	if (fork() == 0) {
		close(ours[0]);
		close(ours[1]);
		close(theirs[0]);
		echo(theirs[1]);
	}
	close(ours[1]);
	close(theirs[0]);
	close(theirs[1]);
	at = (struct pollfd){ ours[0], POLLIN, 0 };
	for (unsigned i = 0; i < N_TRIPS; i++) {
		uint64_t from_ns = now_ns();

		(void)!send(ours[0], packet, SIZE, 0);
		(void)poll(&at, 1, -1);
		(void)!recv(ours[0], packet, SIZE, 0);
		trips[i] = (double)(now_ns() - from_ns) / 1000;
	}
	close(ours[0]);
	while (wait(NULL) > 0)
		;
}

int main(int argc, char **argv)
{
	as_slices = argc > 1 && strcmp(argv[1], "--slices") == 0;
	for (unsigned i = 0; i < RUNS; i++)
		rates[i] = null_rate();
	print_rates("null: one packet each, no parent", rates);
	null_trip();
	print_trips("null: with one that passes it on", trips);
	run_pool();
	return 0;
}
