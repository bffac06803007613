/* SPDX-License-Identifier: MIT */
/* front.h - a pool before it runs: what the functions of brood.h fill in (brood.c), and its addresses (listen.c) */
#pragma once

#include "bridge/config.h"
#include "brood.h"
#include "parent/endpoint.h"

struct activation;
struct program;
struct state;
struct takeover;

struct brood {
	struct config	config;
	int		reserved_fd[LISTENERS_MAX];	/* of the first config.n_listeners; -1 = closed */
	struct brood_stream_events events[LISTENERS_MAX];	/* of brood_listen_stream() */
	struct endpoint	places[LISTENERS_MAX];	/* of UNIX sockets that we have made */
	int		claim_fd[LISTENERS_MAX];	/* likewise: what keeps other pools from the address */
	brood_reload_fn	*reload;	/* of brood_on_reload(), or NULL */
	void		*reload_arg;
	struct observer	observers[BROOD_N_EVENTS];	/* of brood_on() */
	char		**guest;	/* the words of brood_program(), or NULL */
	struct program	*program;	/* NULL = not known */
	struct takeover	*takeover;	/* NULL = there was no pool before us */
	struct activation *activation;	/* NULL = no socket was passed to us */
	struct state	*state;		/* NULL = the workers share none */
};

/* Listens on what was passed to us, or else on the usual address. Return: 0 or more, or -errno. */
int listen_unasked(struct brood *brood);
/* Last, so that an address keeps its place whether or not there is this one. Return: 0 or -errno. */
int listen_for_admin(struct brood *brood);
