/* SPDX-License-Identifier: MIT */
/*
 * simulate_pool - workers that serve one job at a time, on cores they share equally
 *
 * With r workers running on k cores each goes at min(1, k/r) of its full speed. All go at the same speed,
 * so one clock serves for all: virtual time passes at that speed, a job ends at the virtual time of its
 * start plus its service time, and the next end is the least of these whatever the speed does meanwhile.
 */
#include "simulate.h"

#include <string.h>

static double speed(const struct pool *p)
{
	return fmin(1, p->cores / p->n_running);
}

static double finish_at(const struct pool *p, unsigned i)
{
	return p->workers[p->running[i]].finish;
}

static void swap(unsigned *a, unsigned *b)
{
	unsigned other = *a;

	*a = *b;
	*b = other;
}

static void running_add(struct pool *p, unsigned worker)
{
	unsigned i = p->n_running++;

	p->running[i] = worker;
	for (; i > 0 && finish_at(p, i) < finish_at(p, (i - 1) / 2); i = (i - 1) / 2)
		swap(&p->running[i], &p->running[(i - 1) / 2]);
}

static unsigned running_take_first(struct pool *p)
{
	unsigned first = p->running[0];

	p->running[0] = p->running[--p->n_running];
	for (unsigned i = 0, child; (child = 2 * i + 1) < p->n_running; i = child) {
		if (child + 1 < p->n_running && finish_at(p, child + 1) < finish_at(p, child))
			child++;
		if (finish_at(p, i) <= finish_at(p, child))
			break;
		swap(&p->running[i], &p->running[child]);
	}
	return first;
}

static void idle_add(struct pool *p, unsigned worker)
{
	p->idle[(p->idle_head + p->n_idle++) % p->n_workers] = worker;
}

static unsigned idle_take(struct pool *p)
{
	unsigned at = p->idle_head;

	p->n_idle--;
	if (p->wake == WAKE_LIFO)
		return p->idle[(at + p->n_idle) % p->n_workers];
	p->idle_head = (at + 1) % p->n_workers;
	return p->idle[at];
}

static void worker_begin(struct pool *p, unsigned worker, const struct job *job)
{
	struct sim_worker *w = &p->workers[worker];

	w->job = *job;
	w->serving = true;
	w->finish = p->virtual_us + job->service_us;
	p->busy_us += job->service_us;
	running_add(p, worker);
}

static void worker_count(struct pool *p, unsigned worker)
{
	p->n_open[worker]++;
	p->n_taken[worker]++;
}

static void take_shared(struct pool *p, unsigned worker)
{
	struct job job = queue_pop(&p->shared);

	worker_count(p, worker);
	worker_begin(p, worker, &job);
}

/* Stands in line, but for a queue that is not empty, which it knows at once. */
static void arm(struct pool *p, unsigned worker)
{
	p->woken[worker] = p->shared.n > 0;
	if (!p->woken[worker])
		idle_add(p, worker);
}

/* Woken, it takes one, and stands in line again before it serves that one. */
static void look(struct pool *p, unsigned worker)
{
	if (p->shared.n > 0)
		take_shared(p, worker);
	arm(p, worker);
}

static void worker_go_on(struct pool *p, unsigned worker)
{
	struct sim_worker *w = &p->workers[worker];
	struct job job;

	if (p->pull && p->wake == WAKE_ARMED) {
		if (p->woken[worker])
			look(p, worker);
	} else if (w->queue.n > 0) {
		job = queue_pop(&w->queue);
		worker_begin(p, worker, &job);
	} else if (p->shared.n > 0) {
		take_shared(p, worker);
	} else if (p->pull) {
		idle_add(p, worker);
	}
}

static void job_end(struct pool *p, unsigned worker, const struct job *job)
{
	p->n_open[worker]--;
	p->on_done(p->arg, worker, job, p->now_us);
}

/* The worker goes on with what it has before the end of this job brings it more. */
static void on_finish(struct pool *p)
{
	unsigned worker = running_take_first(p);
	struct job job = p->workers[worker].job;

	p->workers[worker].serving = false;
	worker_go_on(p, worker);
	if (job.sleep_us > 0) {
		job.end_us = p->now_us + job.sleep_us;
		job.worker = worker;
		queue_push(&p->asleep, &job);
	} else {
		job_end(p, worker, &job);
	}
}

static void on_woken(struct pool *p)
{
	struct job job = queue_pop(&p->asleep);

	job_end(p, job.worker, &job);
}

static double next_finish_us(const struct pool *p)
{
	return p->n_running > 0 ? p->now_us + (finish_at(p, 0) - p->virtual_us) / speed(p) : INFINITY;
}

/* All sleep for the same time, so the first to fall asleep is the first to end. */
static double next_woken_us(const struct pool *p)
{
	return p->asleep.n > 0 ? p->asleep.jobs[p->asleep.head].end_us : INFINITY;
}

static void time_pass(struct pool *p, double until_us)
{
	p->virtual_us += (until_us - p->now_us) * speed(p);
	p->now_us = until_us;
}

void pool_init(struct pool *p, const struct options *o, bool pull, job_done_fn on_done, void *arg)
{
	memset(p, 0, sizeof(*p));
	p->n_workers = (unsigned)o->workers;
	p->cores = o->cores;
	p->pull = pull;
	p->wake = (enum wake)o->wake;
	p->on_done = on_done;
	p->arg = arg;
	for (unsigned i = 0; p->pull && i < p->n_workers; i++)
		idle_add(p, i);
}

void pool_finish(struct pool *p)
{
	for (unsigned i = 0; i < p->n_workers; i++)
		queue_finish(&p->workers[i].queue);
	queue_finish(&p->shared);
	queue_finish(&p->asleep);
}

void pool_advance(struct pool *p, double until_us)
{
	for (;;) {
		double finish_us = next_finish_us(p);
		double woken_us = next_woken_us(p);
		double next_us = fmin(finish_us, woken_us);

		if (isinf(next_us) || next_us > until_us)
			break;
		time_pass(p, next_us);
		if (woken_us < finish_us) {
			on_woken(p);
		} else {
			p->virtual_us = finish_at(p, 0);	/* exactly, not by the roundings on the way */
			on_finish(p);
		}
	}
	if (isfinite(until_us))
		time_pass(p, until_us);
}

void pool_give(struct pool *p, unsigned worker, const struct job *job)
{
	struct sim_worker *w = &p->workers[worker];

	worker_count(p, worker);
	if (w->serving)
		queue_push(&w->queue, job);
	else
		worker_begin(p, worker, job);
}

static void wake_armed(struct pool *p)
{
	unsigned worker;

	if (p->n_idle == 0)
		return;
	worker = idle_take(p);
	p->woken[worker] = true;
	if (!p->workers[worker].serving)
		look(p, worker);
}

void pool_offer(struct pool *p, const struct job *job)
{
	unsigned worker;

	if (p->wake == WAKE_ARMED) {
		queue_push(&p->shared, job);
		wake_armed(p);
		return;
	}
	if (p->n_idle == 0) {
		queue_push(&p->shared, job);
		return;
	}
	worker = idle_take(p);
	worker_count(p, worker);
	worker_begin(p, worker, job);
}
