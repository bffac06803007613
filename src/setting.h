/* SPDX-License-Identifier: MIT */
/*
 * setting - the numbers of struct brood_options: what they are when nobody says, how far they may go; and its strings
 *
 * The only source of both: brood_create() fills in and checks by this table, the command line shows it.
 */
#pragma once

#include "brood.h"

#include <stdbool.h>

#define MINUTE_MS 60000u
#define DAY_MS	  86400000u
#define KIB	  1024u
#define MIB	  (1024u * KIB)
#define GIB	  (1024ull * MIB)

/* The most of a field that may also be BROOD_OFF. */
#define OR_OFF(most)	((most) | 1ull << 63)
/* The same of BROOD_AUTO. */
#define OR_AUTO(most)	((most) | 1ull << 62)

/* field, default, least, most; a field that is 0 gets its default, so a least of 0 means "0 is the default" */
#define SETTINGS(X)								\
	X(workers,		0,		0,	512)			\
	X(model,		0,		0,	BROOD_ROUND_ROBIN)	\
	X(engine,		0,		0,	BROOD_ENGINE_EPOLL)	\
	X(drain_timeout_ms,	9000,		1,	DAY_MS)			\
	X(pre_drain_ms,		0,		0,	DAY_MS)			\
	X(restart_limit,	5,		1,	1000)			\
	X(restart_window_ms,	10000,		1,	DAY_MS)			\
	X(backoff_min_ms,	100,		1,	10 * MINUTE_MS)		\
	X(backoff_max_ms,	10000,		1,	10 * MINUTE_MS)		\
	X(on_giveup,		0,		0,	BROOD_GIVEUP_DEGRADE)	\
	X(start_timeout_ms,	30000,		1,	DAY_MS)			\
	X(log_format,		0,		0,	BROOD_LOG_JSON)		\
	X(log_level,		0,		0,	BROOD_LOG_DEBUG)	\
	X(backlog,		4096,		1,	65535)			\
	X(max_connections,	0,		0,	1000000)		\
	X(hang_timeout_ms,	10000,		100,	OR_OFF(DAY_MS))		\
	X(poison_limit,		3,		1,	OR_OFF(1000))		\
	X(surge,		1,		1,	512)			\
	X(callbacks_in_parent,	0,		0,	1)			\
	X(max_requests,		0,		0,	1000ull * GIB)		\
	X(max_rss_bytes,	0,		0,	OR_AUTO(1024 * GIB))	\
	X(max_age_ms,		0,		0,	366ull * DAY_MS)	\
	X(on_fault,		0,		0,	BROOD_FAULT_CONTAIN)	\
	X(max_conn_requests,	0,		0,	1000000000)		\
	X(max_conn_age_ms,	0,		0,	366ull * DAY_MS)	\
	X(rebalance,		0,		0,	1)			\
	X(join,			0,		0,	1)			\
	X(pin,			0,		0,	1)			\
	X(max_head_bytes,	16 * KIB,	256,	MIB)			\
	X(max_target_bytes,	8 * KIB,	16,	MIB)			\
	X(max_fields,		100,		1,	100)			\
	X(max_body_bytes,	16 * MIB,	1,	1024 * GIB)		\
	X(header_timeout_ms,	10000,		1,	DAY_MS)			\
	X(body_timeout_ms,	30000,		1,	DAY_MS)			\
	X(idle_timeout_ms,	75000,		1,	DAY_MS)			\
	X(write_timeout_ms,	30000,		1,	DAY_MS)			\
	X(linger_timeout_ms,	2000,		1,	DAY_MS)			\
	X(cache_bytes,		8 * MIB,	1,	GIB)			\
	X(listing,		0,		0,	1)			\
	X(balance,		0,		0,	BROOD_BALANCE_LEAST)	\
	X(tasks,		0,		0,	64)			\
	X(task_queue,		256,		8,	4096)			\
	X(ready,		0,		0,	BROOD_READY_DELAY)	\
	X(ready_delay_ms,	1000,		1,	DAY_MS)			\
	X(stop_signal,		15,		1,	64)			\
	X(shell,		0,		0,	1)			\
	X(non_blocking,		0,		0,	1)			\
	X(stdio,		0,		0,	BROOD_STDIO_LOG)	\
	X(access_log_format,	0,		0,	BROOD_ACCESS_JSON)	\
	X(state_bytes,		16 * MIB,	MIB,	256 * GIB)		\
	X(state_full,		0,		0,	BROOD_STATE_REFUSE)	\
	X(state_timeout_ms,	1000,		10,	60000)

/* Those that stay as they are while a pool runs: a reload changes all others. */
#define FIXED_NUMBERS(X) X(model) X(engine) X(backlog) X(join) X(balance) X(rebalance) X(callbacks_in_parent) \
	X(state_bytes) X(state_full) X(state_timeout_ms) X(tasks) X(task_queue)

/* Every string of struct brood_options, and whether it stays as it is. */
#define STRINGS(X)			\
	X(user,		true)		\
	X(group,	true)		\
	X(pid_file,	true)		\
	X(control,	true)		\
	X(admin,	true)		\
	X(log_file,	true)		\
	X(access_log,	true)		\
	X(state,	true)		\
	X(state_prefix,	true)		\
	X(root,		false)		\
	X(text,		false)		\
	X(handler,	false)	\
	X(env,		false)	\
	X(cwd,		false)

#define STATE_PREFIX_MAX 64

struct setting {
	const char	*name;
	size_t		 offset;	/* in struct brood_options */
	size_t		 bytes;		/* 4 or 8 */
	uint64_t	 usual;
	uint64_t	 least;
	uint64_t	 most;
	bool		 or_off;	/* or BROOD_OFF */
	bool		 or_auto;	/* or BROOD_AUTO */
};

/* Ends with a NULL name. */
extern const struct setting setting_table[];

/* NULL when the field at @offset is no number. */
const struct setting *setting_find(size_t offset);

uint64_t setting_load(const struct setting *setting, const struct brood_options *options);
void setting_store(const struct setting *setting, struct brood_options *options, uint64_t value);
