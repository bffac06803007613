/* SPDX-License-Identifier: MIT */
/*
 * simulate.h - the parts of the model: queue, pool, placement, histogram
 */
#pragma once

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIMULATE_WORKERS_MAX 1024

enum model { MODEL_REUSEPORT, MODEL_PREEMPTIVE, MODEL_ROUND_ROBIN };
enum balance { BALANCE_HASH, BALANCE_WEIGHTED, BALANCE_LEAST };
enum wake { WAKE_FIFO, WAKE_LIFO, WAKE_ARMED };

struct options {
	int	model, balance, wake;	/* of the enums above */
	int	burst;			/* the connections are opened all at once */
	int	uniform;		/* requests arrive evenly, not as a Poisson process */
	int	exponential;		/* service times, not all the same */
	bool	close;			/* a connection for each request */
	double	workers, cores, connections;
	double	rate;			/* requests per second; 0: only place the connections */
	double	open_rate;		/* connections per second, when opened one by one */
	double	service_us;
	double	spin_percent, spin_us;
	double	sleep_percent, sleep_us;
	double	seconds;
	double	seeds, seed;
};

/* random.c: splitmix64 */

struct chance {
	uint64_t state;
};

double chance_unit(struct chance *c);			/* in [0, 1) */
double chance_exponential(struct chance *c, double mean);
unsigned chance_below(struct chance *c, unsigned n);

/* queue.c */

struct job {
	double		arrival_us;
	double		service_us;
	double		sleep_us;	/* after the service, not keeping the worker */
	double		end_us;		/* of the sleep */
	uint32_t	worker;		/* that sleeps */
	uint32_t	connection;
	bool		spun;
};

struct queue {
	struct job	*jobs;
	size_t		 head, n, room;	/* room is a power of two, or 0 */
};

void queue_push(struct queue *q, const struct job *job);
struct job queue_pop(struct queue *q);			/* of a queue that is not empty */
void queue_finish(struct queue *q);

/* pool.c */

struct sim_worker {
	struct queue	 queue;
	bool		 serving;
	struct job	 job;		/* in service */
	double		 finish;	/* of it, in virtual time */
};

/* The job is over, its sleep too. May give a job to the pool. */
typedef void (*job_done_fn)(void *arg, unsigned worker, const struct job *job, double end_us);

/* Time is virtual when workers share cores: it passes at the speed of one running worker. */
struct pool {
	struct sim_worker	 workers[SIMULATE_WORKERS_MAX];
	uint64_t		 n_open[SIMULATE_WORKERS_MAX];	/* jobs given to a worker and not over */
	uint64_t		 n_taken[SIMULATE_WORKERS_MAX];
	unsigned		 n_workers;
	double			 cores;
	bool			 pull;		/* one queue, from which idle workers take */
	enum wake		 wake;
	bool			 woken[SIMULATE_WORKERS_MAX];	/* WAKE_ARMED: owes the shared queue a look */
	struct queue		 shared;
	struct queue		 asleep;	/* in the order in which they end */
	unsigned		 idle[SIMULATE_WORKERS_MAX];	/* a ring, the longest asleep, or armed, first */
	unsigned		 idle_head, n_idle;
	unsigned		 running[SIMULATE_WORKERS_MAX];	/* a heap, the next to finish first */
	unsigned		 n_running;
	double			 now_us, virtual_us, busy_us;
	job_done_fn		 on_done;
	void			*arg;
};

void pool_init(struct pool *p, const struct options *o, bool pull, job_done_fn on_done, void *arg);
void pool_finish(struct pool *p);
void pool_advance(struct pool *p, double until_us);	/* INFINITY: until nothing runs */
void pool_give(struct pool *p, unsigned worker, const struct job *job);
void pool_offer(struct pool *p, const struct job *job);	/* to whoever is idle; of a pool that pulls */

/* placement.c */

struct placement {
	const struct options	*options;
	struct chance		*chance;
	double			 share[SIMULATE_WORKERS_MAX];	/* cumulative, of BALANCE_WEIGHTED */
	double			 reweigh_us;	/* when the shares are next computed */
	unsigned		 next;		/* of MODEL_ROUND_ROBIN */
};

void placement_init(struct placement *p, const struct options *o, struct chance *c);
unsigned placement_choose(struct placement *p, const uint64_t *n_open, double now_us);
/* Opens all connections on an idle pool. owners[i] is the worker that connection i got. */
void placement_open_all(const struct options *o, struct chance *c, unsigned *ret_owners,
			uint64_t *ret_counts);

/* histogram.c: nanoseconds, to a fifth of a percent */

#define HISTOGRAM_BUCKETS (58 * 256)

struct histogram {
	uint64_t	counts[HISTOGRAM_BUCKETS];
	uint64_t	n;
	double		sum_us, max_us;
};

void histogram_add(struct histogram *h, double us);
double histogram_quantile_us(const struct histogram *h, double q);

/* run.c */

struct outcome {
	struct histogram	all;
	struct histogram	others;		/* the requests that did not spin */
	uint64_t		connections[SIMULATE_WORKERS_MAX];
	uint64_t		requests[SIMULATE_WORKERS_MAX];
	double			utilisation;	/* of the cores, until the last request was served */
};

void simulation_run(const struct options *o, uint64_t seed, struct outcome *ret_outcome);

/* report.c */

struct summary {				/* NAN: no such request */
	double	max_over_mean;			/* of connections; of requests when each has its own */
	double	requests_max_over_mean;
	double	idle;				/* workers without a connection */
	double	p99_us, p99_others_us;
};

struct summary outcome_summarize(const struct options *o, const struct outcome *outcome);
/* One line: the first run in full, then mean, 2.5 and 97.5 percentile over all runs. */
void report_print(const struct options *o, const struct outcome *first, struct summary *runs, size_t n_runs);

/* The words of the options, in the order of the enums, each list ending in NULL. */
extern const char *const model_words[], *const balance_words[], *const wake_words[];
