/* SPDX-License-Identifier: MIT */
/*
 * simulate_run - one run: the connections are placed, the requests arrive, their latencies are counted
 *
 * Request i arrives on connection i mod C. A connection has one request with its worker at a time; others
 * wait for the answer, and the time they waited counts. With --close each request is a connection of its own
 * and is placed by the model. Of the first twentieth of the time no latency counts: the pool begins empty.
 */
#include "simulate.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

#define WARM_UP 0.05

/* What a keep-alive connection holds back. */
struct line {
	struct queue	waiting;
	bool		busy;
};

struct run {
	const struct options	*options;
	struct chance		 chance;
	struct placement	 placement;
	struct pool		 pool;
	unsigned		*owners;	/* of keep-alive connections */
	struct line		*lines;
	struct outcome		*outcome;
};

static void line_give(struct run *run, const struct job *job)
{
	run->lines[job->connection].busy = true;
	pool_give(&run->pool, run->owners[job->connection], job);
}

static void line_go_on(struct run *run, struct line *line)
{
	struct job job;

	line->busy = false;
	if (line->waiting.n > 0) {
		job = queue_pop(&line->waiting);
		line_give(run, &job);
	}
}

static void on_answered(void *arg, unsigned worker, const struct job *job, double end_us)
{
	struct run *run = arg;

	run->outcome->requests[worker]++;
	if (run->lines)
		line_go_on(run, &run->lines[job->connection]);
	if (job->arrival_us < WARM_UP * run->options->seconds * 1e6)
		return;
	histogram_add(&run->outcome->all, end_us - job->arrival_us);
	if (!job->spun && job->sleep_us == 0)
		histogram_add(&run->outcome->others, end_us - job->arrival_us);
}

static struct job draw_request(struct run *run, double arrival_us)
{
	const struct options *o = run->options;
	struct job job = { .arrival_us = arrival_us, .service_us = o->service_us };

	if (o->exponential)
		job.service_us = chance_exponential(&run->chance, o->service_us);
	if (o->spin_percent > 0 && chance_unit(&run->chance) * 100 < o->spin_percent) {
		job.spun = true;
		job.service_us += o->spin_us;
	}
	if (o->sleep_percent > 0 && chance_unit(&run->chance) * 100 < o->sleep_percent)
		job.sleep_us = o->sleep_us;
	return job;
}

static void arrive_on_line(struct run *run, const struct job *job)
{
	struct line *line = &run->lines[job->connection];

	if (line->busy)
		queue_push(&line->waiting, job);
	else
		line_give(run, job);
}

static void arrive(struct run *run, uint64_t i, double now_us)
{
	struct job job = draw_request(run, now_us);

	if (!run->options->close) {
		job.connection = (uint32_t)(i % (uint64_t)run->options->connections);
		arrive_on_line(run, &job);
	} else if (run->options->model == MODEL_PREEMPTIVE) {
		pool_offer(&run->pool, &job);
	} else {
		pool_give(&run->pool, placement_choose(&run->placement, run->pool.n_open, now_us), &job);
	}
}

static void serve_all(struct run *run)
{
	const struct options *o = run->options;
	double gap_us = 1e6 / o->rate;
	double now_us = 0;

	for (uint64_t i = 0;; i++) {
		now_us += o->uniform ? gap_us : chance_exponential(&run->chance, gap_us);
		if (now_us >= o->seconds * 1e6)
			break;
		pool_advance(&run->pool, now_us);
		arrive(run, i, now_us);
	}
	pool_advance(&run->pool, INFINITY);
	if (run->pool.now_us > 0)
		run->outcome->utilisation = run->pool.busy_us /
					    (run->pool.now_us * fmin(o->cores, o->workers));
}

static void open_all(struct run *run)
{
	size_t n = (size_t)run->options->connections;

	run->owners = calloc(n, sizeof(*run->owners));
	run->lines = calloc(n, sizeof(*run->lines));
	if (!run->owners || !run->lines)
		err(1, "the connections");
	placement_open_all(run->options, &run->chance, run->owners, run->outcome->connections);
}

void simulation_run(const struct options *o, uint64_t seed, struct outcome *ret_outcome)
{
	struct run *run = calloc(1, sizeof(*run));

	if (!run)
		err(1, "a run");
	memset(ret_outcome, 0, sizeof(*ret_outcome));
	run->options = o;
	run->chance.state = seed * 0xd1342543de82ef95;	/* so that neighbouring seeds begin far apart */
	run->outcome = ret_outcome;
	placement_init(&run->placement, o, &run->chance);
	pool_init(&run->pool, o, o->close && o->model == MODEL_PREEMPTIVE, on_answered, run);
	if (!o->close)
		open_all(run);
	if (o->rate > 0)
		serve_all(run);
	if (o->close)
		memcpy(ret_outcome->connections, ret_outcome->requests, sizeof(ret_outcome->requests));
	for (size_t i = 0; run->lines && i < (size_t)o->connections; i++)
		queue_finish(&run->lines[i].waiting);
	pool_finish(&run->pool);
	free(run->lines);
	free(run->owners);
	free(run);
}
