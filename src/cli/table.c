/* SPDX-License-Identifier: MIT */
/*
 * table - every option of `brood serve` and `brood run`, in the order of their help
 *
 * Each is also BROOD_<NAME> in the environment: --drain-timeout is BROOD_DRAIN_TIMEOUT; and drain-timeout in a file.
 * Defaults and ranges are those of setting.h. A new option is one row here and its field in struct brood_options.
 */
#include "base/auto.h"
#include "base/suggest.h"
#include "cli/cli.h"

#include <string.h>

static const char *const models[] = { "reuseport", "preemptive", "round-robin", NULL };
static const char *const balances[] = { "auto", "hash", "weighted", "least", NULL };
static const char *const engines[] = { "auto", "uring", "epoll", NULL };
static const char *const giveups[] = { "exit", "degrade", NULL };
static const char *const faults[] = { "die", "contain", NULL };
static const char *const stdios[] = { "inherit", "null", "log", NULL };
static const char *const log_formats[] = { "text", "json", NULL };
static const char *const access_formats[] = { "common", "combined", "json", NULL };
static const char *const state_fulls[] = { "evict", "refuse", NULL };
static const char *const log_levels[] = { "error", "warn", "info", "debug", NULL };

#define HEADING(text, who) { .help = (text), .only = (who) }
#define ROW(name, argument, parser, field, list, text, who) \
	{ (name), (argument), (parser), offsetof(struct serve_options, field), (list), (text), (who) }
#define OPTION(name, argument, parser, field, text) ROW(name, argument, parser, field, NULL, text, FOR_BOTH)
#define SERVES(name, argument, parser, field, text) ROW(name, argument, parser, field, NULL, text, FOR_SERVE)
#define RUNS(name, argument, parser, field, text) ROW(name, argument, parser, field, NULL, text, FOR_RUN)
#define CHOICE(name, argument, words, field, text) ROW(name, argument, parse_word, field, words, text, FOR_BOTH)
#define CHOICE_OF(name, argument, words, field, text, who) ROW(name, argument, parse_word, field, words, text, who)

const struct option option_table[] = {
	HEADING("Where all this is said", FOR_BOTH),
	OPTION("config",          "FILE",     parse_string,        config,
	       "a file of lines such as drain-timeout = 9s"),
	OPTION("check",           NULL,       parse_switch,        check,
	       "print what would be in force, and why; end"),

	HEADING("What answers (one of them; DIR is the argument without a flag)", FOR_SERVE),
	SERVES("root",            "DIR",      parse_string,        pool.root,
	       "the files under DIR, as the argument DIR"),
	SERVES("text",            "STRING",   parse_string,        pool.text,
	       "answer every request with STRING"),
	SERVES("handler",         "F.so",     parse_string,        pool.handler,
	       "answer with the handler in F.so"),
	SERVES("listing",         NULL,       parse_switch,        pool.listing,
	       "list directories without index.html"),
	SERVES("cache-size",      "SIZE",     parse_size,          pool.cache_bytes,
	       "small files in memory, per worker"),

	HEADING("The program", FOR_RUN),
	RUNS("ready",             "WHEN",     parse_ready,         pool.ready,
	     "listen, notify (READY=1), or delay:TIME"),
	RUNS("stop-signal",       "SIGNAL",   parse_signal,        pool.stop_signal,
	     "that has it finish and leave"),
	RUNS("shell",             NULL,       parse_switch,        pool.shell,
	     "it is a command of /bin/sh"),
	RUNS("non-blocking",      NULL,       parse_switch,        pool.non_blocking,
	     "accept(2) of its sockets does not wait; for nginx"),
	CHOICE_OF("stdio",        "WHERE",    stdios,              pool.stdio,
	       "what it writes: inherit, null or log", FOR_RUN),
	RUNS("env",               "NAME=VALUE", parse_env,         env,
	     "more of its environment; may be repeated"),
	RUNS("cwd",               "DIR",      parse_string,        pool.cwd,
	     "the directory it starts in"),

	HEADING("Sockets", FOR_BOTH),
	OPTION("listen",          "ADDR",     parse_listen,        listen,
	       "[stream:|udp:]HOST:PORT|unix:PATH; repeatable"),
	OPTION("join",            NULL,       parse_switch,        pool.join,
	       "share a port with other pools of this user"),
	OPTION("admin",           "ADDR|off", parse_admin,         pool.admin,
	       "health, metrics, status; :PORT is 127.0.0.1 (off)"),
	OPTION("backlog",         "N",        parse_count,         pool.backlog,
	       "connections that may wait, per worker"),
	SERVES("max-connections", "N|auto",   parse_count,         pool.max_connections,
	       "per worker; auto: as RLIMIT_NOFILE allows"),

	HEADING("The pool", FOR_BOTH),
	OPTION("workers",         "N|auto",   parse_count,         pool.workers,
	       "processes; auto: one per usable CPU"),
	CHOICE("model",           "MODEL",    models,              pool.model,
	       "reuseport, preemptive or round-robin"),
	CHOICE("balance",         "BALANCE",  balances,            pool.balance,
	       "reuseport: auto, hash, weighted or least"),
	OPTION("pin",             NULL,       parse_switch,        pool.pin,
	       "each worker on one CPU, as far as there are"),
	SERVES("tasks",           "N|off",    parse_count,         pool.tasks,
	       "processes that run what handlers ask for"),
	SERVES("task-queue",      "N",        parse_count,         pool.task_queue,
	       "tasks that may wait for one"),
	SERVES("rebalance",       NULL,       parse_switch,        pool.rebalance,
	       "reuseport: idle connections move to other workers"),
	CHOICE_OF("engine",          "ENGINE",   engines,             pool.engine,
	       "auto, uring or epoll", FOR_SERVE),
	OPTION("drain-timeout",   "TIME",     parse_duration,      pool.drain_timeout_ms,
	       "to finish what is in flight when leaving"),
	OPTION("pre-drain",       "TIME|off", parse_duration,      pool.pre_drain_ms,
	       "serving but not ready, before the pool drains"),
	OPTION("start-timeout",   "TIME",     parse_duration,      pool.start_timeout_ms,
	       "for a worker to be ready"),
	OPTION("restart-limit",   "N/TIME",   parse_restart_limit, pool.restart_limit,
	       "deaths of a slot before giving up"),
	OPTION("backoff",         "MIN..MAX", parse_backoff,       pool.backoff_min_ms,
	       "wait before restarting again"),
	OPTION("hang-timeout",    "TIME|off", parse_duration,      pool.hang_timeout_ms,
	       "for a worker's loop to turn again"),
	CHOICE_OF("on-fault",        "ACTION",   faults,              pool.on_fault,
	       "die, or contain: the request alone is lost", FOR_SERVE),
	SERVES("poison-limit",    "N|off",    parse_count,         pool.poison_limit,
	       "faults of like requests; then they get 503"),
	OPTION("surge",           "N",        parse_count,         pool.surge,
	       "workers replaced at a time, by wish or reload"),
	SERVES("max-requests",    "N|off",    parse_count,         pool.max_requests,
	       "then a worker is replaced; up to a tenth less"),
	OPTION("max-rss",         "SIZE|auto|off", parse_size,     pool.max_rss_bytes,
	       "the same by its memory"),
	OPTION("max-age",         "TIME|off", parse_duration,      pool.max_age_ms,
	       "the same by its age"),
	CHOICE("on-giveup",       "ACTION",   giveups,             pool.on_giveup,
	       "exit, or degrade: go on with the others"),
	OPTION("user",            "USER",     parse_string,        pool.user,
	       "that the workers become (as root)"),
	OPTION("group",           "GROUP",    parse_string,        pool.group,
	       "instead of the user's own"),
	OPTION("pid-file",        "PATH",     parse_string,        pool.pid_file,
	       "written when ready, removed at the end"),
	OPTION("control",         "PATH",     parse_string,        pool.control,
	       "UNIX socket for brood ctl, or off (auto)"),

	HEADING("HTTP", FOR_SERVE),
	SERVES("max-head",        "SIZE",     parse_size,          pool.max_head_bytes,
	       "request line and fields; over it 431"),
	SERVES("max-target",      "SIZE",     parse_size,          pool.max_target_bytes,
	       "request target; over it 414"),
	SERVES("max-fields",      "N",        parse_count,         pool.max_fields,
	       "request fields; over it 431"),
	SERVES("max-body",        "SIZE",     parse_size,          pool.max_body_bytes,
	       "request body; over it 413"),
	SERVES("header-timeout",  "TIME",     parse_duration,      pool.header_timeout_ms,
	       "for a whole request head; then 408"),
	SERVES("body-timeout",    "TIME",     parse_duration,      pool.body_timeout_ms,
	       "between two pieces of a body; then 408"),
	SERVES("idle-timeout",    "TIME",     parse_duration,      pool.idle_timeout_ms,
	       "connection kept open without a request"),
	SERVES("write-timeout",   "TIME",     parse_duration,      pool.write_timeout_ms,
	       "client that takes nothing of a response"),
	SERVES("linger-timeout",  "TIME",     parse_duration,      pool.linger_timeout_ms,
	       "reading on after an early answer"),
	SERVES("max-conn-requests", "N|off",  parse_count,         pool.max_conn_requests,
	       "then a connection is closed"),
	SERVES("max-conn-age",    "TIME|off", parse_duration,      pool.max_conn_age_ms,
	       "the same by its age; up to a tenth less"),

	HEADING("Logs (USR1 opens the files anew)", FOR_BOTH),
	OPTION("log",             "FILE",     parse_string,        pool.log_file,
	       "instead of stderr"),
	CHOICE("log-format",      "FORMAT",   log_formats,         pool.log_format,
	       "text or json"),
	CHOICE("log-level",       "LEVEL",    log_levels,          pool.log_level,
	       "error, warn, info or debug"),

	SERVES("access-log",      "FILE|-",   parse_string,        pool.access_log,
	       "a line for each request; - is stdout"),
	CHOICE_OF("access-log-format", "FORMAT", access_formats,   pool.access_log_format,
	       "common, combined or json", FOR_SERVE),

	HEADING("State that the workers share (brood_state(3))", FOR_SERVE),
	SERVES("state",           "WHERE",    parse_state,        pool.state,
	       "memory, off or redis://[:PASSWORD@]HOST (memory)"),
	SERVES("state-size",      "SIZE",     parse_size,          pool.state_bytes,
	       "what is not used takes no memory"),
	CHOICE_OF("state-full",   "ACTION",   state_fulls,         pool.state_full,
	       "evict what was not used for long, or refuse", FOR_SERVE),
	SERVES("state-prefix",    "TEXT",     parse_string,        pool.state_prefix,
	       "what keys on Redis begin with (brood:)"),
	SERVES("state-timeout",   "TIME",     parse_duration,      pool.state_timeout_ms,
	       "to connect to Redis, and for its answers"),
};

const size_t option_table_len = ARRAY_LEN(option_table);
_Static_assert(ARRAY_LEN(option_table) <= CLI_OPTIONS_MAX, "an origin for each");

const struct option *option_find(const char *flag, size_t len)
{
	for (const struct option *o = option_table; o < option_table + ARRAY_LEN(option_table); o++)
		if (o->flag && strlen(o->flag) == len && memcmp(o->flag, flag, len) == 0)
			return o;
	return NULL;
}

const char *command_name(enum audience command)
{
	return command == FOR_RUN ? "run" : "serve";
}

const char *option_refusal(const struct option *option, enum audience command)
{
	if (option->only == FOR_BOTH || command == FOR_BOTH || option->only == command)
		return NULL;
	return option->only == FOR_SERVE ? "an option of brood serve, not of brood run"
					 : "an option of brood run, not of brood serve";
}

bool option_is_outside(const struct option *option)
{
	return option->offset == offsetof(struct serve_options, config) ||
	       option->offset == offsetof(struct serve_options, check);
}

const char *option_suggest(const char *flag)
{
	const char *names[ARRAY_LEN(option_table)];
	size_t n_names = 0;

	for (size_t i = 0; i < ARRAY_LEN(option_table); i++)
		if (option_table[i].flag)
			names[n_names++] = option_table[i].flag;
	return suggest_nearest(flag, names, n_names);
}
