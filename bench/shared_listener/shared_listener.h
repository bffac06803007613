/* SPDX-License-Identifier: MIT */
/*
 * shared_listener.h - the pool and its workers, the patterns, the hazards
 */
#pragma once

#include <netinet/in.h>
#include <stdint.h>
#include <sys/types.h>

#define SHARED_WORKERS_MAX 64

/* What a worker did, written by it alone, in memory it shares with the driver. */
struct tally {
	_Atomic uint64_t connections;
	_Atomic uint64_t wakeups;	/* returns from the call it sleeps in */
} __attribute__((aligned(64)));

/*
 * All a worker has. A number written to poke_fd is other work: spin as many microseconds, less one, then
 * write 1 to answer_fd.
 */
struct seat {
	int		 listen_fd;
	int		 poke_fd;
	int		 answer_fd;
	struct tally	*tally;
};

struct method {
	const char	*name;
	void		(*run)(const struct seat *seat);	/* a worker's whole life */
	int		 blocking;	/* sleeps in accept4, as the listener must let it; no other work */
};

/* methods.c */

extern const struct method shared_methods[];
extern const unsigned shared_n_methods;

/* pool.c */

#define SETTLE_US 20000

struct pool {
	struct sockaddr_in	 address;
	int			 listen_fd;
	pid_t			 pids[SHARED_WORKERS_MAX];
	struct seat		 seats[SHARED_WORKERS_MAX];
};

extern unsigned n_workers;
extern uint16_t port;

void pause_us(unsigned us);
uint64_t now_us(void);
void tallies_init(void);			/* once, before the first pool */
void pool_start(struct pool *pool, const struct method *method);
void pool_stop(struct pool *pool);
void worker_end(pid_t pid);
uint64_t pool_cpu_ns(const struct pool *pool);
int client_open(const struct pool *pool, int flags);
int client_served(int fd, int timeout_ms);	/* whether the byte came within that time */

/* patterns.c */

enum pattern { ONE_BY_ONE, BURSTS, CHURN, N_PATTERNS };

struct result {
	uint64_t	connections[SHARED_WORKERS_MAX];
	uint64_t	wakeups[SHARED_WORKERS_MAX];
	double		cpu_us;			/* per connection */
};

extern unsigned churn_ms;

void measure(const struct method *method, enum pattern pattern, struct result *ret_result);

/* hazards.c */

unsigned worst_loss(const struct method *method);		/* of 8 clients */
uint64_t wait_behind_busy_us(const struct method *method);
double other_work_us(const struct method *method);		/* CPU time of one */
