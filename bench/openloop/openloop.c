/* SPDX-License-Identifier: MIT */
/*
 * openloop - an HTTP/1.1 load client that keeps to its schedule, whatever the server does
 *
 * The schedule is written first; it alone says when a request should leave. Request i belongs to
 * connection i mod C (with --close to a connection of its own). One that cannot leave, because its
 * connection still waits for an answer, waits here with its intended time unchanged, and its latency counts
 * from that time. So a server that stalls is charged for every request that was due meanwhile, not only for
 * the one that saw it: no coordinated omission. "service" beside it counts from the actual send, which is
 * what a closed loop would report.
 *
 * One thread, edge-triggered epoll, no allocation after the start. Sends are a tick apart at least, and what
 * falls due up to half a tick later leaves with the rest; the latency of such a one counts from its send. At
 * rates far below one per tick each request leaves at its own time.
 * Bounds: 127.0.0.1, GET, bodies are counted through and not compared.
 *
 * Fails by: being too slow itself; late, lateness_us and rate_met say so, and the run is then worth nothing.
 */
#include "openloop.h"

#include <err.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 512
#define END_EVENTS (EPOLLRDHUP | EPOLLERR | EPOLLHUP)
#define CONNECT_NS 2000000000u		/* at most, before the schedule starts */
#define SLOW_PIECE_NS 10000000u		/* a slow reader reads so often */

static struct record record;

uint64_t client_clock(const struct client *client)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec - client->start_ns;
}

static void client_clock_refresh(struct client *client)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	client->now_ns = client_clock(client);
	client->epoch_ns = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec - client->now_ns;
}

static void write_texts(struct client *client)
{
	const struct options *o = client->options;

	for (uint32_t i = 0; i < o->n_paths; i++) {
		int n = asprintf(&client->texts[i].bytes,
				 "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n%s\r\n",
				 o->paths[i].text, o->port, o->close ? "Connection: close\r\n" : "");

		if (n < 0)
			err(1, "requests");
		client->texts[i].n = (uint32_t)n;
	}
}

static void init_conns(struct client *client)
{
	const struct options *o = client->options;

	client->conns = calloc(client->n_conns, sizeof(*client->conns));
	client->listed = calloc(2 * client->n_conns, sizeof(*client->listed));	/* this turn's, the next's */
	client->free = calloc(client->n_conns, sizeof(*client->free));
	if (!client->conns || !client->listed || !client->free)
		err(1, "connections");
	for (uint32_t i = 0; i < client->n_conns; i++) {
		struct conn *conn = &client->conns[i];

		conn->fd = -1;
		conn->first = conn->next = o->close ? 0 : i;
		conn->end = o->close ? 0 : client->schedule.n;
		conn->response.wants_pid = o->by_worker;
		if (o->close)
			client->free[client->n_free++] = conn;
	}
}

static void raise_limits(const struct client *client)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		err(1, "getrlimit");
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur < client->n_conns + 16)
		errx(1, "too few descriptors for %u connections", client->n_conns);
	if (prctl(PR_SET_TIMERSLACK, 1) < 0)
		err(1, "timer slack");
}

static void client_init(struct client *client, const struct options *options)
{
	*client = (struct client){
		.options = options, .record = &record, .n_conns = options->connections,
	};
	schedule_init(&client->schedule, options);
	client->stride = options->close ? 1 : client->n_conns;
	raise_limits(client);
	write_texts(client);
	init_conns(client);
	client->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	client->stamp_fd = conn_socket(options);
	if (client->epoll_fd < 0)
		err(1, "epoll");
}

static void client_finish(struct client *client)
{
	for (uint32_t i = 0; i < client->n_conns; i++)
		if (client->conns[i].fd >= 0)
			close(client->conns[i].fd);
	for (uint32_t i = 0; i < client->options->n_paths; i++)
		free(client->texts[i].bytes);
	close(client->epoll_fd);
	close(client->stamp_fd);
	free(client->conns);
	free(client->listed);
	free(client->free);
	schedule_finish(&client->schedule);
}

static void on_event(struct client *client, struct conn *conn, uint32_t events)
{
	if (conn->state == CONN_CONNECTING && (events & (EPOLLERR | EPOLLHUP))) {
		conn_refuse(client, conn);
		return;
	}
	if (conn->state == CONN_CONNECTING || conn->full) {
		conn->state = CONN_OPEN;
		conn->full = false;
		conn->freed_ns = client->now_ns;
		conn_list(client, conn);
	}
	if ((events & (EPOLLIN | END_EVENTS)) && !client->options->slow_read)
		receive_answers(client, conn, 0, events & END_EVENTS);
}

/*
 * Answers need not wake us when no request waits for one and the next tick is near: the kernel has noted
 * when they came. That halves the sleeps, and a sleep is dearer than the rest of a request.
 */
static bool may_rest(const struct client *client, uint64_t sleep_ns)
{
	return client->n_waiting == 0 && client->begun == client->due &&
	       sleep_ns <= client->options->tick_us * UINT64_C(1000);
}

static int wait_events(struct client *client, uint64_t until_ns, struct epoll_event *ret_events)
{
	uint64_t now_ns = client_clock(client);
	uint64_t sleep_ns = until_ns > now_ns && client->n_listed == 0 ? until_ns - now_ns : 0;
	struct timespec timeout = { (time_t)(sleep_ns / 1000000000), (long)(sleep_ns % 1000000000) };
	bool rest = sleep_ns > 0 && may_rest(client, sleep_ns);
	int n;

	if (rest) {
		clock_nanosleep(CLOCK_MONOTONIC, 0, &timeout, NULL);
		timeout.tv_nsec = 0;
	}
	n = epoll_pwait2(client->epoll_fd, ret_events, EVENTS, &timeout, NULL);
	if (n < 0 && errno != EINTR)
		err(1, "epoll_pwait2");
	client_clock_refresh(client);
	if (sleep_ns > 0 && (rest || n == 0))
		histogram_record(&record.wake_up, client->now_ns > until_ns ? client->now_ns - until_ns : 0);
	return n;
}

/* Waits until @until_ns or for events, whichever is first, and serves them. */
static void serve_events(struct client *client, uint64_t until_ns)
{
	static struct epoll_event events[EVENTS];
	int n = wait_events(client, until_ns, events);

	for (int i = 0; i < n; i++)
		on_event(client, events[i].data.ptr, events[i].events);
}

static void release_due(struct client *client)
{
	const struct schedule *s = &client->schedule;
	uint32_t at = (uint32_t)(client->due % client->n_conns);
	uint64_t due = client->due;
	uint64_t until_ns = client->now_ns + client->options->tick_us * UINT64_C(500);

	while (client->due < s->n && s->requests[client->due].intended_ns <= until_ns) {
		if (client->due == s->first_recorded && getrusage(RUSAGE_SELF, &record.before) < 0)
			err(1, "getrusage");
		if (!client->options->close)
			conn_list(client, &client->conns[at]);
		at = at + 1 == client->n_conns ? 0 : at + 1;
		client->due++;
	}
	if (client->due > due)
		client->tick_at_ns = client->now_ns + client->options->tick_us * UINT64_C(1000);
}

/* With --close: gives every request that is due a connection, while there are any. */
static void begin_due(struct client *client)
{
	for (; client->begun < client->due && client->n_free > 0; client->begun++) {
		struct conn *conn = client->free[--client->n_free];

		conn->first = conn->next = client->begun;
		conn->end = client->begun + 1;
		conn_list(client, conn);
	}
	if (client->capped < client->begun)
		client->capped = client->begun;
	for (; client->capped < client->due; client->capped++)
		record.capped += client_records(client, client->capped);
}

static void send_listed(struct client *client)
{
	uint32_t n = client->n_listed;

	for (uint32_t i = 0; i < n; i++) {
		client->listed[i]->listed = false;
		send_due(client, client->listed[i]);
	}
	client->n_listed -= n;		/* those that were listed meanwhile have their turn next */
	for (uint32_t i = 0; i < client->n_listed; i++)
		client->listed[i] = client->listed[n + i];
}

static void read_slowly(struct client *client)
{
	size_t piece = client->options->slow_read / (1000000000 / SLOW_PIECE_NS);

	for (uint32_t i = 0; i < client->n_conns; i++)
		if (client->conns[i].state == CONN_OPEN)
			receive_answers(client, &client->conns[i], piece, false);
	client->slow_at_ns = client->now_ns + SLOW_PIECE_NS;
}

static uint64_t next_wake_ns(const struct client *client, uint64_t give_up_ns)
{
	uint64_t at_ns = give_up_ns;

	if (client->due < client->schedule.n)
		at_ns = client->schedule.requests[client->due].intended_ns;
	if (at_ns < client->tick_at_ns)
		at_ns = client->tick_at_ns;
	if (client->options->slow_read && client->slow_at_ns < at_ns)
		at_ns = client->slow_at_ns;
	return at_ns;
}

static void run_turn(struct client *client, uint64_t give_up_ns)
{
	serve_events(client, next_wake_ns(client, give_up_ns));
	if (client->options->slow_read && client->now_ns >= client->slow_at_ns)
		read_slowly(client);
	if (client->now_ns >= client->tick_at_ns)
		release_due(client);
	if (client->options->close)
		begin_due(client);
	else
		client->begun = client->due;
	send_listed(client);
}

/* Kept-alive connections are there before the first request; whoever cannot have one tries again then. */
static void connect_all(struct client *client)
{
	uint32_t n_waiting = client->n_conns;

	for (uint32_t i = 0; i < client->n_conns; i++) {
		conn_open(client, &client->conns[i]);
		if (client->options->open_rate > 0)
			nanosleep(&(struct timespec){ .tv_nsec = (long)fmin(1e9 / client->options->open_rate, 999999999) },
				  NULL);
	}
	while (n_waiting > 0 && client->now_ns < CONNECT_NS) {
		serve_events(client, client->now_ns + SLOW_PIECE_NS);
		send_listed(client);
		n_waiting = 0;
		for (uint32_t i = 0; i < client->n_conns; i++)
			n_waiting += client->conns[i].state == CONN_CONNECTING;
	}
}

static void count_unanswered(struct client *client, struct conn *conn, uint64_t i)
{
	const struct request *request = &client->schedule.requests[i];
	uint64_t age_ns = client->now_ns - request->intended_ns;

	if (!client_records(client, i)) {
		record.warm_up_failed++;
		return;
	}
	record.unanswered++;
	histogram_record(&record.latency, age_ns);
	histogram_record(&record.paths[request->path], age_ns);
	if (i < conn->next)
		histogram_record(&record.service, client->now_ns - request->sent_ns);
}

/* What is not answered by now enters the histograms with the age it has. */
static void give_up(struct client *client)
{
	struct conn never = { .next = 0 };

	client->now_ns = client_clock(client);
	for (uint32_t i = 0; i < client->n_conns; i++) {
		struct conn *conn = &client->conns[i];

		for (uint64_t k = conn->first; k < conn->end; k += client->stride)
			count_unanswered(client, conn, k);
	}
	for (uint64_t k = client->begun; client->options->close && k < client->schedule.n; k++)
		count_unanswered(client, &never, k);
}

static void start_clock(struct client *client)
{
	client->start_ns += client_clock(client);
	client_clock_refresh(client);
	for (uint32_t i = 0; i < client->n_conns; i++)
		client->conns[i].freed_ns = 0;
}

int main(int argc, char **argv)
{
	struct options options;
	struct client client;
	uint64_t give_up_ns;

	options_parse(argc, argv, &options);
	client_init(&client, &options);
	start_clock(&client);
	if (!options.close)
		connect_all(&client);
	start_clock(&client);
	give_up_ns = client.schedule.end_ns + (uint64_t)(options.timeout * 1e9);
	while (client.resolved < client.schedule.n && client.now_ns < give_up_ns)
		run_turn(&client, give_up_ns);
	if (getrusage(RUSAGE_SELF, &record.after) < 0)
		err(1, "getrusage");
	give_up(&client);
	report_print(&client, client.now_ns);
	client_finish(&client);
	if (record.answered == 0)
		errx(1, "nothing was answered");
}
