/* SPDX-License-Identifier: MIT */
/*
 * metrics - the numbers of the board and the bulletin in the text format of Prometheus, version 0.0.4
 *
 * Those of the pool are sums over all workers there are and have been, so that they only grow; those of a worker
 * begin anew with the next one in its slot. What a process costs is read from /proc here, of its siblings too.
 */
#include "service/admin.h"

#include "base/diag.h"
#include "base/usage.h"
#include "brood.h"
#include "bridge/bulletin.h"
#include "bridge/config.h"

#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct metrics {
	FILE			*out;
	const struct board	*board;
	const struct bulletin_copy *pool;
	uint64_t		 now_ms;
	double			 born_s;	/* the wall clock's time at 0 of the monotonic one */
};

static void head(struct metrics *m, const char *name, const char *type, const char *help)
{
	fprintf(m->out, "# HELP brood_%s %s\n# TYPE brood_%s %s\n", name, help, name, type);
}

static void tell(struct metrics *m, const char *name, const char *type, const char *help, uint64_t value)
{
	head(m, name, type, help);
	fprintf(m->out, "brood_%s %" PRIu64 "\n", name, value);
}

/* ---- the pool ---- */

static const char *engine_name(uint64_t engine)
{
	return engine == BROOD_ENGINE_URING ? "io_uring" : engine == BROOD_ENGINE_EPOLL ? "epoll" : "";
}

static const char *balance_name(uint64_t balance)
{
	static const char *const names[] = { "", "hash", "weighted", "least" };

	return balance < sizeof(names) / sizeof(names[0]) ? names[balance] : "";
}

static void tell_build(struct metrics *m, const struct config *config)
{
	const struct bulletin_copy *p = m->pool;

	head(m, "build_info", "gauge", "What runs; always 1.");
	fprintf(m->out, "brood_build_info{version=\"" BROOD_VERSION "\",model=\"%s\",engine=\"%s\",balance=\"%s\"} 1\n",
		config_model_name(config), engine_name(p->engine), balance_name(p->balance));
	head(m, "start_time_seconds", "gauge", "When the pool was started, since the epoch.");
	fprintf(m->out, "brood_start_time_seconds %.3f\n", m->born_s + (double)p->born_ms / 1000);
	tell(m, "ready", "gauge", "Whether /ready says so: 1, else 0.", p->state == POOL_READY);
}

#define POOL_NUMBERS(X)										\
	/* name                      type     of the bulletin, help */				\
	X(workers_wanted,            gauge,   wanted,	"Workers there are to be.")		\
	X(worker_restarts_total,     counter, restarts,	"Workers started after a death.")	\
	X(giveups_total,             counter, giveups,	"Slots given up, because their workers died too often.") \
	X(task_processes,            gauge,   tasks,	"Task processes that are ready.")	\
	X(tasks_queued,              gauge,   tasks_queued,	"Tasks that wait for a task process.")	\
	X(task_process_restarts_total, counter, task_restarts,	"Task processes started after a death.")	\
	X(task_process_giveups_total, counter, task_giveups,	"Task processes given up, because they died too often.") \
	X(messages_relayed_total,    counter, messages_relayed, "Messages put into the queue of a worker or of the callbacks.") \
	X(messages_refused_total,    counter, messages_refused, "Messages given back to their senders, or lost with them.") \
	X(messages_relayed_bytes_total, counter, message_bytes, "Bytes of the messages relayed, without those in sealed memory.") \
	X(reloads_total,             counter, reloads,	"Reloads begun.")			\
	X(reload_failures_total,     counter, reloads_failed, "Reloads stopped, because a new worker was not ready.")

#define SUMS(X)											\
	/* name                      type     of the board, help */				\
	X(connections,               gauge,   connections,	"Open connections of clients.")	\
	X(requests_in_flight,        gauge,   in_flight,	"Requests begun and not answered in full.") \
	X(connections_accepted_total, counter, accepted,	"Connections accepted.")	\
	X(connections_given_total,   counter, given,	"Idle connections given to another worker.") \
	X(connections_taken_total,   counter, taken,	"Connections taken from another worker.") \
	X(connections_cut_total,     counter, cut,	"Connections cut, because the time to drain was over.") \
	X(connection_timeouts_total, counter, timeouts,	"Connections ended by a timeout.")	\
	X(accept_pauses_total,       counter, accept_paused,	"Times accepting stopped for want of descriptors.") \
	X(requests_total,            counter, requests,	"Requests answered by what is served.")	\
	X(requests_refused_total,    counter, refused,	"Requests refused by the protocol.")	\
	X(requests_quarantined_total, counter, quarantined,	"Requests answered 503, because their like had made workers fault.") \
	X(handler_faults_total,      counter, faults,	"Faults of the handler that were contained.") \
	X(state_reads_total,         counter, state_reads,	"Reads of the shared state.")	\
	X(state_writes_total,        counter, state_writes,	"Writes and deletions in it, tried.") \
	X(state_evictions_total,     counter, state_evictions,	"Entries of it that made room for others.") \
	X(state_refusals_total,      counter, state_refusals,	"Writes that found no room in it.") \
	X(state_lock_timeouts_total, counter, state_timeouts,	"Writes given up because of a worker that was stopped.") \
	X(state_repairs_total,       counter, state_repairs,	"Times a worker had died in it.") \
	X(tasks_waited_for,          gauge,   tasks_waited_for,	"Tasks queued or running.")	\
	X(tasks_total,               counter, tasks_asked,	"Tasks given to the queue.")	\
	X(tasks_refused_total,       counter, tasks_refused,	"Tasks refused, because the queue was full.") \
	X(tasks_done_total,          counter, tasks_done,	"Tasks that ended well.")	\
	X(tasks_failed_total,        counter, tasks_failed,	"Tasks that said they failed.")	\
	X(tasks_crashed_total,       counter, tasks_crashed,	"Tasks whose process died.")	\
	X(tasks_timed_out_total,     counter, tasks_timed_out,	"Tasks that took too long.")	\
	X(tasks_cancelled_total,     counter, tasks_cancelled,	"Tasks nobody waited for any more.") \
	X(receive_bytes_total,       counter, received,	"Bytes received from clients.")		\
	X(transmit_bytes_total,      counter, sent,	"Bytes sent to clients.")		\
	X(messages_sent_total,       counter, messages_sent,	"Messages that workers sent to others.") \
	X(messages_received_total,   counter, messages_received,	"Messages of others that workers handled.") \
	X(messages_returned_total,   counter, messages_returned,	"Messages of workers that came back.") \
	X(loop_turns_total,          counter, turns,	"Turns of the workers' loops.")		\
	X(loop_waits_total,          counter, enters,	"System calls that waited in them.")	\
	X(receive_buffers_exhausted_total, counter, starved,	"Times a receive found no buffer.") \
	X(completion_overflows_total, counter, overflows,	"Times the completion queue was full.") \
	X(admin_connections,         gauge,   admin,	"Open connections of the admin address, counted nowhere else.") \
	X(admin_requests_total,      counter, admin_requests,	"Requests answered there.")	\
	X(streams_total,	     counter, streams,		"Connections accepted that are streams, not HTTP.")	\
	X(datagrams_total,	     counter, datagrams,	"Datagrams received.")			\
	X(datagrams_sent_total,	     counter, datagrams_sent,	"Replies to datagrams handed to the kernel.")	\
	X(datagrams_dropped_total,   counter, datagrams_dropped, "Replies to datagrams that the kernel did not take.") \
	X(datagrams_lost_total,	     counter, datagrams_lost,	"Datagrams dropped, because a queue was full.")

static void tell_sums(struct metrics *m)
{
	const struct board_row *sum = &m->pool->sum;

#define NUMBER(name, type, field, help) tell(m, #name, #type, help, m->pool->field);
	POOL_NUMBERS(NUMBER)
#undef NUMBER
#define SUM(name, type, field, help) tell(m, #name, #type, help, board_get(&sum->field));
	SUMS(SUM)
#undef SUM
	head(m, "responses_total", "counter", "Responses begun, refusals among them, by the class of their status.");
	fprintf(m->out, "brood_responses_total{class=\"2xx\"} %" PRIu64 "\nbrood_responses_total{class=\"3xx\"} %" PRIu64
		"\nbrood_responses_total{class=\"4xx\"} %" PRIu64 "\nbrood_responses_total{class=\"5xx\"} %" PRIu64 "\n",
		board_get(&sum->responses_2xx), board_get(&sum->responses_3xx), board_get(&sum->responses_4xx),
		board_get(&sum->responses_5xx));
}

/* What is known of one address while the kernel lists who listens on its port. */
struct queue {
	const struct address	*address;
	uint64_t		 n_queued;
};

static void add_queued(const struct diag_socket *socket, void *arg)
{
	struct queue *queue = arg;

	if (address_overlaps(&socket->address, queue->address))
		queue->n_queued += socket->n_queued;
}

/* Of all sockets of the pool's addresses, asked of the kernel; not told where it does not say. */
static void tell_queue(struct metrics *m, const struct config *config)
{
	struct queue queue = { .n_queued = 0 };

	for (unsigned i = 0; i < config->n_listeners; i++) {
		queue.address = &config->listen[i];
		if (!config_is_admin(config, i) &&
		    diag_each(address_port(queue.address), 1u << TCP_LISTEN, add_queued, &queue) < 0)
			return;
	}
	tell(m, "connections_queued", "gauge", "Connections that wait to be accepted.", queue.n_queued);
}

static void tell_deaths(struct metrics *m)
{
	head(m, "worker_deaths_total", "counter", "Workers that died and were not to, by cause.");
#define CAUSE(name, meaning) \
	fprintf(m->out, "brood_worker_deaths_total{cause=\"" #name "\"} %" PRIu64 "\n", m->pool->deaths[DEATH_##name]);
	BULLETIN_DEATHS(CAUSE)
#undef CAUSE
}

/* A bound every half doubling, which is every second of the buckets. */
static void tell_latency(struct metrics *m)
{
	const struct histogram *h = &m->pool->sum.latency;
	uint64_t n = 0;

	head(m, "request_duration_seconds", "histogram",
	     "From a request's whole head to the last byte of its answer handed to the kernel.");
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		n += board_get(&h->n[i]);
		if (i % 2 == 1 && histogram_end_us(i) >= 16 && i < HISTOGRAM_BUCKETS - 1)
			fprintf(m->out, "brood_request_duration_seconds_bucket{le=\"%.9g\"} %" PRIu64 "\n",
				(double)histogram_end_us(i) / 1e6, n);
	}
	fprintf(m->out, "brood_request_duration_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n"
		"brood_request_duration_seconds_sum %.6f\nbrood_request_duration_seconds_count %" PRIu64 "\n", n,
		(double)board_get(&h->sum_us) / 1e6, n);
}

/* ---- slots and their workers ---- */

/* Those of task processes come behind the slots. */
static unsigned n_workers(const struct bulletin_copy *pool)
{
	unsigned n = 0;

	for (unsigned i = 0; i < pool->n_posts; i++)
		n += pool->posts[i].slot < BULLETIN_SLOTS_MOST;
	return n;
}

static void tell_states(struct metrics *m)
{
	static const char *const states[] = {
		"EMPTY", "STARTING", "READY", "RETIRING", "LEAVING", "CLOSING", "DRAINING", "DYING", "BACKOFF",
		"GIVEN_UP",
	};

	head(m, "slots", "gauge", "Places for workers, by what they are at.");
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		unsigned n = 0;

		for (unsigned slot = 0; slot < m->pool->n_slots; slot++)
			n += strcmp(m->pool->slot_state[slot], states[i]) == 0;
		fprintf(m->out, "brood_slots{state=\"%s\"} %u\n", states[i], n);
	}
	tell(m, "worker_processes", "gauge", "Workers there are, those that still drain among them.",
	     n_workers(m->pool));
	head(m, "slot_restarts_total", "counter", "Workers started after a death, of each slot.");
	for (unsigned slot = 0; slot < m->pool->n_slots; slot++)
		fprintf(m->out, "brood_slot_restarts_total{slot=\"%u\"} %" PRIu64 "\n", slot,
			m->pool->slot_restarts[slot]);
}

static const struct board_row *row_of(const struct metrics *m, const struct bulletin_post *post)
{
	return &m->board->rows[post->row];
}

/* How many times its share the worker with the most connections has. */
static void tell_imbalance(struct metrics *m)
{
	uint64_t most = 0, sum = 0, n = 0;

	for (unsigned i = 0; i < m->pool->n_posts; i++) {
		uint64_t connections = board_get(&row_of(m, &m->pool->posts[i])->connections);

		if (!m->pool->posts[i].incumbent)
			continue;
		most = connections > most ? connections : most;
		sum += connections;
		n++;
	}
	head(m, "connections_imbalance_ratio", "gauge",
	     "What the worker with the most connections has, to an even share; 1 is even, and none is 1.");
	fprintf(m->out, "brood_connections_imbalance_ratio %.4f\n",
		sum > 0 ? (double)most * (double)n / (double)sum : 1);
}

/* The board can say anything. */
static double lag_of(const struct metrics *m, const struct bulletin_post *post)
{
	uint64_t since_ms = board_get(&row_of(m, post)->heartbeat_ms);

	if (board_get(&row_of(m, post)->waiting) || since_ms == 0 || since_ms > m->now_ms)
		return 0;
	return (double)(m->now_ms - since_ms) / 1000;
}

#define WORKER_NUMBERS(X)									\
	/* name                           type     format    value, help */			\
	X(worker_connections,             gauge,   PRIu64,   board_get(&row->connections), "Open connections.")	\
	X(worker_requests_in_flight,      gauge,   PRIu64,   board_get(&row->in_flight), "Requests begun and not answered in full.") \
	X(worker_accepted_total,          counter, PRIu64,   board_get(&row->accepted), "Connections it has accepted.") \
	X(worker_requests_total,          counter, PRIu64,   board_get(&row->requests), "Requests it has answered.") \
	X(worker_loop_lag_seconds,        gauge,   ".3f",    lag_of(m, post), "For how long its loop is in the present turn.") \
	X(worker_start_time_seconds,      gauge,   ".3f",    m->born_s + (double)post->born_ms / 1000, "When it was born, since the epoch.") \
	X(worker_generation,              gauge,   PRIu64,   post->generation, "Workers its slot had had before.") \
	X(worker_resident_memory_bytes,   gauge,   PRIu64,   usage[i].rss_bytes, "Resident memory, what it shares included.") \
	X(worker_cpu_seconds_total,       counter, ".2f",    usage[i].cpu_s, "CPU time it has used.")

static void tell_workers(struct metrics *m, const struct usage usage[])
{
#define WORKERS(name, type, format, value, help)						\
	head(m, #name, #type, help);								\
	for (unsigned i = 0; i < m->pool->n_posts; i++) {					\
		const struct bulletin_post *post = &m->pool->posts[i];				\
		const struct board_row *row = row_of(m, post);					\
												\
		(void)row;									\
		if (post->incumbent)								\
			fprintf(m->out, "brood_" #name "{slot=\"%u\"} %" format "\n", post->slot, value); \
	}
	WORKER_NUMBERS(WORKERS)
#undef WORKERS
}

static void tell_all_workers(struct metrics *m)
{
	struct usage *usage = calloc(m->pool->n_posts + 1, sizeof(*usage));

	for (unsigned i = 0; usage && i < m->pool->n_posts; i++)
		usage_read(m->pool->posts[i].pid, &usage[i]);
	if (usage)
		tell_workers(m, usage);
	free(usage);
}

char *metrics_tell(const struct board *board, const struct config *config, uint64_t now_ms, bool whole,
		   size_t *ret_bytes)
{
	struct bulletin_copy *pool = bulletin_read(board, whole);
	struct timespec wall;
	struct metrics m;
	char *text = NULL;

	if (!pool)
		return NULL;
	clock_gettime(CLOCK_REALTIME, &wall);
	m = (struct metrics){
		.out = open_memstream(&text, ret_bytes), .board = board, .pool = pool, .now_ms = now_ms,
		.born_s = (double)wall.tv_sec + (double)wall.tv_nsec / 1e9 - (double)now_ms / 1000,
	};
	if (!m.out) {
		free(pool);
		return NULL;
	}
	tell_build(&m, config);
	tell_sums(&m);
	tell_queue(&m, config);
	tell_deaths(&m);
	tell_latency(&m);
	tell_states(&m);
	tell_imbalance(&m);
	tell_all_workers(&m);
	free(pool);
	if (fclose(m.out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
