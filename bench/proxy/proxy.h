/* SPDX-License-Identifier: MIT */
/*
 * proxy.h - the parts of the proxy: loop, pair, flow
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORKERS_MAX 512

enum { CLIENT, WORKER };
enum verdict { FLOW_WAITS, FLOW_GOES_ON, FLOW_BROKEN };

struct side {
	int	fd;
	bool	readable, writable;	/* until the kernel says otherwise */
	bool	ending;			/* a FIN or an error is behind what can be read */
	bool	failed;
};

struct flow {				/* from side[i] to side[!i] */
	char	*held;			/* what the last send did not take */
	size_t	 head, len;
	bool	 ended, shut;		/* the FIN was read; was passed on */
};

struct pair {
	struct side	 side[2];
	struct flow	 flow[2];
	unsigned	 worker;
	unsigned	 refusals;
	bool		 connected, dead, listed;
	struct pair	*next;		/* in pending or in graves */
};

/* proxy.c */

extern uint16_t worker_ports[WORKERS_MAX];
extern unsigned n_workers;

/* Edge-triggered, both ways, for good. */
void side_watch(struct pair *pair, int i);

/* pair.c */

extern unsigned n_pairs;

void pair_begin(int client_fd);		/* takes the descriptor */
void on_event(struct pair *pair, int i, uint32_t events);
bool pairs_pending(void);		/* some have more to do without an event */
void pairs_run_pending(void);
void pairs_bury(void);			/* frees the dead, once no event can name them any more */

/* flow.c */

/* Moves the bytes of side i, as many as one turn allows. */
enum verdict flow_run(struct pair *pair, int i);
