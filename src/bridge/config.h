/* SPDX-License-Identifier: MIT */
/*
 * config - what the pool was told, resolved; frozen before the first fork, never written after
 *
 * brood.c fills it from struct brood_options, with every default put in: no field is 0 for "default" here.
 */
#pragma once

#include "base/address.h"
#include "base/protocol.h"
#include "brood.h"

#include <stdbool.h>
#include <sys/types.h>

#define LISTENERS_MAX 8
#define ALL_LISTENERS ((1u << LISTENERS_MAX) - 1)	/* as a mask of indexes */
#define WORKERS_MAX 512
#define TASKS_MAX 64
#define TASK_NAMES_MAX 64
#define TASK_NAME_BYTES 40	/* with its end */

/* What a task process can run. */
struct task_definition {
	char		name[TASK_NAME_BYTES];
	brood_task_fn	*fn;
	void		*arg;
};

/* What brood_on() was given for one type of event. */
struct observer {
	brood_observer_fn	*fn;
	void			*arg;
};

/* What the streams of an address call, of brood_listen_stream(); without, it is the shared object's. */
struct stream_target {
	const struct brood_stream_events *events;	/* NULL = none was given */
	void	*arg;
};

/* The same of datagrams, of brood_listen_datagram(). */
struct datagram_target {
	brood_datagram_fn	*fn;
	void			*arg;
};

struct config {
	struct brood_options	options;	/* every default resolved; .workers is the real number */
	unsigned		n_listeners;
	struct address		listen[LISTENERS_MAX];		/* with the real port */
	uint16_t		asked_port[LISTENERS_MAX];	/* may be 0 */
	uint8_t			protocol[LISTENERS_MAX];	/* enum protocol */
	struct stream_target	stream[LISTENERS_MAX];
	struct datagram_target	datagram[LISTENERS_MAX];
	uint32_t		admins;		/* mask of those that are not served but tell of the pool;
						 * one at most */
	uint32_t		lent;		/* mask of those whose sockets a service manager holds as well */
	bool			drop_privileges;
	uid_t			uid;
	gid_t			gid;
	brood_handler_fn	*handler;	/* of brood_http(), or NULL */
	void			*handler_arg;
	int			state_fd;	/* eventfd: something in the shared state has changed;
						 * 0 = there is none */
	int			state_memory_fd;	/* where it is; likewise */
	const struct observer	*observers;	/* BROOD_N_EVENTS of them; NULL = none */
	unsigned		n_task_definitions;
	struct task_definition	task_definitions[TASK_NAMES_MAX];	/* of brood_task_define() */
	char *const		*guest;		/* of brood_program(): what to execute as every worker, or NULL */
};

/* "reuseport", "preemptive" or "round-robin" */
const char *config_model_name(const struct config *config);

/* The backlog of a socket that all workers have in common: what they would have together. */
int config_shared_backlog(const struct config *config, unsigned n_workers);

static inline bool config_is_admin(const struct config *config, unsigned index)
{
	return index < LISTENERS_MAX && (config->admins >> index & 1);
}

/* No connection, no queue of them, no handshake. */
static inline bool config_is_datagram(const struct config *config, unsigned index)
{
	return index < LISTENERS_MAX && config->protocol[index] == PROTOCOL_DATAGRAM;
}

static inline bool config_has_handshakes(const struct config *config, unsigned index)
{
	return !config_is_datagram(config, index) && !address_is_unix(&config->listen[index]);
}

/*
 * All workers have one socket of it: under the model preemptive, of a UNIX socket, which has no SO_REUSEPORT, and
 * of datagrams but under reuseport; with --join there too, because a datagram cannot be steered in a group whose
 * order is not ours.
 */
static inline bool config_is_shared(const struct config *config, unsigned index)
{
	if (config_is_datagram(config, index))
		return config->options.model != BROOD_REUSEPORT || config->options.join;
	if (config->options.model == BROOD_REUSEPORT)
		return index < LISTENERS_MAX && address_is_unix(&config->listen[index]);
	return config->options.model == BROOD_PREEMPTIVE;
}

/* Mask of those. */
uint32_t config_shared(const struct config *config);
/* A UDP socket a slot. */
static inline bool config_has_datagram_group(const struct config *config, unsigned index)
{
	return config_is_datagram(config, index) && !config_is_shared(config, index);
}

/* How many addresses speak @protocol, that of admin not counted. */
unsigned config_n_speaking(const struct config *config, enum protocol protocol);

#define LISTENER_TEXT_BYTES (ADDRESS_TEXT_BYTES + PROTOCOL_PREFIX_BYTES)
/* As one would ask for it: "127.0.0.1:8080", "stream:127.0.0.1:7000". */
void config_format_listener(const struct config *config, unsigned index, char out[LISTENER_TEXT_BYTES]);

/* Of the addresses that have one of TCP. Return: how many. */
unsigned config_ports(const struct config *config, uint16_t ret_ports[LISTENERS_MAX]);
