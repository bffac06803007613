/* SPDX-License-Identifier: MIT */
/*
 * brood.h - a pool of worker processes that serve, each on its own SO_REUSEPORT socket
 *
 * A program makes a brood, adds addresses and what answers, and runs it. brood_run() forks the workers
 * and becomes their parent; handlers run in the workers only. Nothing here has a layout but the options,
 * which begin with their size so that they can grow, and what callbacks are given to read. Functions return 0 or a
 * count, or -errno.
 *
 * A function, a type or a macro that does not appear in this file is not part of the interface.
 */
#ifndef BROOD_H
#define BROOD_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Seen from outside even where everything else is hidden: ours by a program, a handler's by us. */
#pragma GCC visibility push(default)

#define BROOD_VERSION "0.1.0"

struct brood;
struct brood_request;
struct brood_stream_events;
struct brood_task;
struct brood_alarm;
struct brood_socket;
struct brood_reply;
struct brood_datagram;

/* How connections reach the workers. */
enum brood_model {
	BROOD_REUSEPORT = 0,		/* a listening socket per worker; the kernel balances */
	BROOD_PREEMPTIVE,		/* one listening socket, which all workers compete for */
	BROOD_ROUND_ROBIN,		/* the parent accepts; connection i goes to worker (i + 1) mod n */
};

/* Which kernel interface the workers' loop uses. */
enum brood_engine {
	BROOD_ENGINE_AUTO = 0,		/* io_uring, or epoll where io_uring is refused; the log says which */
	BROOD_ENGINE_URING,		/* io_uring or nothing */
	BROOD_ENGINE_EPOLL,
};

/* What follows when a slot has used up its restart limit. */
enum brood_on_giveup {
	BROOD_GIVEUP_EXIT = 0,		/* drain the others and end with code 4 */
	BROOD_GIVEUP_DEGRADE,		/* go on with the others; end with code 4 when none is left */
};

/* Under the reuseport model: which worker gets a new connection. */
enum brood_balance {
	BROOD_BALANCE_AUTO = 0,		/* least where it is allowed, else weighted; the log says which */
	BROOD_BALANCE_HASH,		/* as the kernel's hash of addresses and ports falls */
	BROOD_BALANCE_WEIGHTED,		/* the more the fewer connections it has, and the less it lags; no privilege */
	BROOD_BALANCE_LEAST,		/* the one that has the fewest connections (eBPF): CAP_BPF and CAP_PERFMON, or nothing */
};

/* What a fault in a handler costs: SIGSEGV, SIGBUS, SIGFPE, SIGILL or abort(). */
enum brood_on_fault {
	BROOD_FAULT_DIE = 0,		/* the worker, with all it holds; another takes its place */
	BROOD_FAULT_CONTAIN,		/* the request; the worker is replaced; see brood_handler_fn */
};

/* When a program is taken to be ready; by READY=1 (sd_notify(3)) always. */
enum brood_ready {
	BROOD_READY_LISTEN = 0,		/* when it calls listen(2) on a socket it was given */
	BROOD_READY_NOTIFY,		/* by READY=1 alone */
	BROOD_READY_DELAY,		/* after ready_delay_ms */
};

/* Where what a program writes goes. */
enum brood_stdio {
	BROOD_STDIO_INHERIT = 0,	/* where it would go without us */
	BROOD_STDIO_NULL,		/* nowhere */
	BROOD_STDIO_LOG,		/* into the log, line by line, with its slot */
};

/* What becomes of a write when the shared state is full. */
enum brood_state_full {
	BROOD_STATE_EVICT = 0,		/* what has not been used for long makes room: a cache */
	BROOD_STATE_REFUSE,		/* it is refused with -ENOSPC: nothing goes but by its own expiry */
};

enum brood_access_log_format { BROOD_ACCESS_COMMON = 0, BROOD_ACCESS_COMBINED, BROOD_ACCESS_JSON };
enum brood_log_format { BROOD_LOG_TEXT = 0, BROOD_LOG_JSON };
enum brood_log_level { BROOD_LOG_ERROR = 0, BROOD_LOG_WARN, BROOD_LOG_INFO, BROOD_LOG_DEBUG };

/* For a number that has a default and may be off. */
#define BROOD_OFF UINT32_MAX
/* For a size that may be found from what there is. */
#define BROOD_AUTO UINT64_MAX

/* Exit codes of brood_run() and of the program brood(1). */
#define BROOD_EXIT_DRAINED	0	/* asked to stop, every connection was let finish */
#define BROOD_EXIT_NOT_STARTED	1	/* could not start; the reason was logged in one line */
#define BROOD_EXIT_USAGE	2	/* of the program only */
#define BROOD_EXIT_CUT		3	/* the drain timed out; connections were cut, the log says how many */
#define BROOD_EXIT_GAVE_UP	4	/* workers died too often */

/**
 * struct brood_options - what a pool is made with; start from BROOD_OPTIONS_INIT.
 *
 * Strings are copied. A field left 0 or NULL means its default, named here,
 * unless its comment says otherwise. Times are milliseconds, sizes bytes.
 */
struct brood_options {
	uint32_t	size;			/* set by BROOD_OPTIONS_INIT */

	/* the pool */
	uint32_t	workers;		/* processes; 0 = one per usable CPU; at most 512 */
	uint32_t	model;			/* enum brood_model */
	uint32_t	engine;			/* enum brood_engine */
	uint32_t	drain_timeout_ms;	/* 9000: grace for what is in flight when leaving */
	uint32_t	restart_limit;		/* 5: deaths of one slot within the window before giving up */
	uint32_t	restart_window_ms;	/* 10000 */
	uint32_t	backoff_min_ms;		/* 100: the wait of the second restart, then doubling; none after longer service */
	uint32_t	backoff_max_ms;		/* 10000 */
	uint32_t	on_giveup;		/* enum brood_on_giveup */
	uint32_t	start_timeout_ms;	/* 30000: a worker not ready by then is killed */
	const char	*user;			/* name or number the workers become; needs root */
	const char	*group;			/* the user's own by default */
	const char	*pid_file;		/* written when ready, removed at the end */

	/* logging */
	uint32_t	log_format;		/* enum brood_log_format */
	int32_t		log_level;		/* enum brood_log_level; set to BROOD_LOG_INFO by the initialiser */

	/* sockets */
	uint32_t	backlog;		/* 4096: per worker, so a shared socket has it times the workers; the kernel
						 * caps each socket's at net.core.somaxconn */
	uint32_t	max_connections;	/* per worker; 0 = what RLIMIT_NOFILE allows */

	/* HTTP */
	uint32_t	max_head_bytes;		/* 16384: request line and fields; over it 431 */
	uint32_t	max_target_bytes;	/* 8192: over it 414 */
	uint32_t	max_fields;		/* 100: over it 431; at most 100 */
	uint64_t	max_body_bytes;		/* 16 MiB: over it 413 */
	uint32_t	header_timeout_ms;	/* 10000: for a whole request head; then 408 */
	uint32_t	body_timeout_ms;	/* 30000: between two pieces of a body; then 408 */
	uint32_t	idle_timeout_ms;	/* 75000: a kept-alive connection without a request */
	uint32_t	write_timeout_ms;	/* 30000: a client that takes nothing of its response */
	uint32_t	linger_timeout_ms;	/* 2000: reading on after an early answer, so that it arrives */

	/* what answers: one of these, or brood_http() */
	const char	*root;			/* serve the files under this directory */
	const char	*text;			/* answer every request with this */
	const char	*handler;		/* a shared object that exports brood_handle(); loaded in the worker */

	/* files */
	uint64_t	cache_bytes;		/* 8 MiB: small files kept in memory, per worker */
	uint32_t	listing;		/* 1 = list directories that have no index.html */

	/* replacing workers */
	uint32_t	hang_timeout_ms;	/* 10000: a worker whose loop does not turn for so long is aborted;
						 * BROOD_OFF = never */
	uint32_t	poison_limit;		/* 3: times that requests of one method and path may make workers
						 * fault in a minute; then 503 for a minute; BROOD_OFF = off */
	uint32_t	surge;			/* 1: how many may be replaced at a time, on request or by a reload */
	uint64_t	max_requests;		/* 0 = off: a worker that has answered so many is replaced... */
	uint64_t	max_rss_bytes;		/* 0 = off: ...that has so much memory resident; BROOD_AUTO = its share
						 * of the cgroup's limit, off where there is none... */
	uint64_t	max_age_ms;		/* 0 = off: ...that is so old; each up to a tenth earlier, at random */

	uint32_t	balance;		/* enum brood_balance; under other models AUTO only */
	uint32_t	on_fault;		/* enum brood_on_fault */

	/* connections that live long */
	uint32_t	max_conn_requests;	/* 0 = off: a connection is closed behind so many responses... */
	uint64_t	max_conn_age_ms;	/* 0 = off: ...or when it is so old, or up to a tenth less */
	uint32_t	rebalance;		/* 1 = reuseport: who has many connections gives idle ones away */

	/* control */
	const char	*control;		/* the path of a UNIX socket for `brood ctl`; NULL or "off" = none,
						 * "auto" = PORT.sock in the runtime directory, see brood(1) */
	/* who else listens */
	uint32_t	join;			/* 1 = share addresses with whoever of this user lets others in (SO_REUSEPORT);
						 * with the model reuseport alone */
	/* with brood_program() alone */
	uint32_t	ready;			/* enum brood_ready */
	uint32_t	ready_delay_ms;		/* 1000: with BROOD_READY_DELAY */
	uint32_t	stop_signal;		/* SIGTERM: tells a program to finish and leave */
	uint32_t	shell;			/* 1 = its words are a command of /bin/sh */
	uint32_t	non_blocking;		/* 1 = accept(2) of its sockets does not wait: O_NONBLOCK, which all who share one have */
	uint32_t	stdio;			/* enum brood_stdio; nothing can be read from */
	const char	*env;			/* more of its environment: NAME=value, one a line */
	const char	*cwd;			/* the directory it starts in */
	/* who looks on */
	const char	*admin;			/* address of health, metrics and status over HTTP, see brood(1); ":9090" is
						 * 127.0.0.1:9090; NULL or "off" = none; one of the 8 addresses */
	uint32_t	pre_drain_ms;		/* 0 = off: asked to stop, the pool says so long that it is not ready, and serves */

	/* files that lines go to; SIGUSR1 has them opened anew */
	const char	*log_file;		/* the log, and whatever else is written to stderr; NULL = stderr */
	const char	*access_log;		/* a line for each request; "-" = stdout; NULL = none */
	uint32_t	access_log_format;	/* enum brood_access_log_format */

	/* shared state */
	const char	*state;			/* "memory" or NULL: brood_state_*() have one; "off" = they have none; or
						 * "redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]": brood_state_*_async() have one there */
	uint64_t	state_bytes;		/* 16 MiB: its size; what is not used takes no memory */
	uint32_t	state_full;		/* enum brood_state_full */
	/* of a program, see brood_on() */
	uint32_t	callbacks_in_parent;	/* 1 = its functions run in the parent. DANGEROUS: one that crashes, exits, waits
						 * or spins takes the parent with it, and while it runs nobody is replaced */

	/* what takes long is run elsewhere: brood_task() */
	uint32_t	tasks;			/* 0 = off: task processes; at most 64 */
	uint32_t	task_queue;		/* 256: tasks that may wait for one, of all workers; 8 to 4096, but not more than
						 * net.core.wmem_max allows, by default some 550 */

	/* shared state on a Redis server */
	const char	*state_prefix;		/* "brood:": what its keys there begin with; at most 64 bytes */
	uint32_t	state_timeout_ms;	/* 1000: to connect, and for an answer; then the connection is given up */

	/* where workers run */
	uint32_t	pin;			/* 1 = each on one of the CPUs we may use, that of slot k the kth, and on from the
						 * first; what it starts inherits that, task processes have all */
};

#define BROOD_OPTIONS_INIT { .size = sizeof(struct brood_options), .log_level = BROOD_LOG_INFO }

/**
 * brood_create() - make a pool that does not run yet.
 * @options: copied; NULL = all defaults.
 * @ret_brood: owned by the caller; end it with brood_destroy().
 *
 * Return: 0, -EINVAL (an option out of its range; the log names it), -EPERM (a user or a group, and we are
 * not root), -EPROTO (started by an upgrade, and what the running pool leaves cannot be used; the log says
 * why), -ENOMEM.
 */
int brood_create(const struct brood_options *options, struct brood **ret_brood);

/**
 * brood_listen() - add an address to serve.
 * @brood: not yet running.
 * @address: ":8080" (all addresses), "127.0.0.1:8080", "[::1]:0" (port chosen by the kernel), or
 *           "unix:/run/app.sock,mode=0660,user=NAME,group=NAME" (0660 and who starts the pool, where nothing is said);
 *           borrowed for the call only.
 *
 * Reserves the address now, so a wrong or a taken one fails here and not in a worker, with a log line
 * that names who holds it. Taken it is also by another pool that is only starting, and by an address of this
 * one that overlaps. In an upgrade an address that the running pool serves is taken over from it, with its port.
 * A socket of the address that a service manager has passed (LISTEN_FDS, sd_listen_fds(3)) is used, except
 * under the model reuseport, where each worker needs one of its own.
 * Of a UNIX socket all workers share the one, as under the model preemptive. A file that is there is replaced if it is
 * a socket on which nobody listens; it is removed when the pool ends, and stays over reloads and upgrades.
 * Without any call, brood_run() listens on what was passed, or else on ":8080"; or, with brood_program(), on
 * nothing.
 * Process: parent only.
 * Return: the port (0 of a UNIX socket), or -EINVAL (unparsable), -EADDRINUSE, -EADDRNOTAVAIL, -EACCES, -ENOSPC (over 8),
 * -EOPNOTSUPP (such a socket, under reuseport).
 */
int brood_listen(struct brood *brood, const char *address);

/**
 * typedef brood_handler_fn - answers one request.
 *
 * Process: worker, in its loop: what blocks here blocks every connection of this worker. It answers
 * before it returns, or keeps @request and answers later from a callback of the same request.
 * @request lives until its response has ended or its on_close callback has returned.
 *
 * With BROOD_FAULT_CONTAIN a fault in here, in a callback, or in a function of brood's that these call, ends the
 * call as longjmp() would: the client gets 500, or if the response has begun its connection is cut; @request is
 * gone and on_close is not called. What the code held stays as it was: memory is not freed, locks stay locked,
 * data is half changed, no destructor runs. What it overwrote before it faulted stays overwritten, so that what
 * this worker answers from then on, until it is replaced, may be wrong, and it may still die or hang. Not
 * contained are faults of threads the handler made, and all but the first 512 of a worker.
 */
typedef void brood_handler_fn(struct brood_request *request, void *arg);

/**
 * brood_http() - answer requests with a function of this program.
 * @arg: given to every call; what it points to is the worker's own copy after the fork.
 *
 * Return: 0, or -EBUSY (the options already named something that answers).
 */
int brood_http(struct brood *brood, brood_handler_fn *handler, void *arg);

/**
 * brood_program() - have a program be every worker, in whatever language, instead of answering here.
 * @argv: its name and arguments, ended by NULL; copied. {slot} in them, and in the option env, is the worker's slot.
 *
 * It gets the listening sockets from descriptor 3 on (sd_listen_fds(3)), reports as to systemd (sd_notify(3)), and
 * is replaced, drained, reloaded and scaled as any worker. See brood(1), `brood run`. What is about requests does not
 * apply to it.
 * Return: 0, -EBUSY (something answers already), -EINVAL (no words; or an option that takes our own workers, which the
 * log names: model round-robin, balance least, rebalance, max_requests), -ENOMEM.
 */
int brood_program(struct brood *brood, const char *const argv[]);

/**
 * typedef brood_reload_fn - says what the options are from a reload on.
 * @options: as they are in force, with every default put in; to be changed where they should change. Strings are
 *           copied after it has returned, and may be freed when it is called again.
 *
 * What may change while a pool runs then does, by new workers being born with it: all but model, balance, rebalance,
 * engine, user, group, pid_file, control, log_file, access_log, backlog and join, for which a warning says that they wait
 * for the next start.
 *
 * Process: parent. This is the only function of a program that is called there, unless callbacks_in_parent says so,
 * because what it finds out is for the parent as much as for the workers, and has to be known before the first of them
 * is replaced. So it does
 * nothing but fill in @options, and must be brief: while it runs, no dead worker is replaced. It must not wait (a
 * file on a disk is fine, a pipe or a server is not), fork, start a thread, or leave a descriptor open.
 * Return: 0; anything else: the reload does not take place, nothing is changed, and the function has said why.
 */
typedef int brood_reload_fn(struct brood_options *options, void *arg);

/**
 * brood_on_reload() - have the options said again at every reload.
 * @fn: NULL = they stay as they are.
 *
 * With options that are wrong the reload does not take place either. A reload that ends because a new worker did
 * not get ready goes back to the options before.
 * Return: 0.
 */
int brood_on_reload(struct brood *brood, brood_reload_fn *fn, void *arg);

/**
 * brood_run() - fork the workers and be their parent until the pool ends.
 *
 * Blocks SIGCHLD, SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU, SIGPIPE in the
 * calling process. TERM, INT and QUIT drain; a second one ends at once. HUP replaces every worker, one after
 * another. TTIN adds a worker, TTOU takes one away. USR1 has the files of the logs opened anew.
 * USR2 starts this program anew, with the arguments it was started with, to take over: it gets here
 * in its own way, and then this call returns BROOD_EXIT_DRAINED. In process 1 the program is executed in place
 * instead, and this call does not return.
 * Where this process is process 1 or a subreaper (prctl(2)), it reaps every child of it.
 * Process: becomes the parent; call it from a program with one thread.
 * Return: an exit code, BROOD_EXIT_*.
 */
int brood_run(struct brood *brood);

/* Frees @brood and closes its sockets. NULL is fine. */
void brood_destroy(struct brood *brood);

/* ---- in a worker: reading a request ---------------------------------------------------------- */

/*
 * Text that is returned with a length is not terminated, belongs to the request and lives as long as
 * the request does, but moves once when a handler returns without having answered: ask again then.
 */

/* "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS" or "PATCH"; terminated, lives for ever. */
const char *brood_method(const struct brood_request *request);

/* The path as received, still percent-encoded; begins with '/', or is "*". */
const char *brood_path(const struct brood_request *request, size_t *ret_len);

/* The query behind '?', still encoded; empty when there is none. */
const char *brood_query(const struct brood_request *request, size_t *ret_len);

/**
 * brood_query_get() - one decoded parameter of the query.
 * @out: terminated on success.
 * Return: its length, -ENOENT, -EINVAL (bad escape or a NUL), -ENOSPC.
 */
int brood_query_get(const struct brood_request *request, const char *key, char *out, size_t size);

/* The value of the first field called @name (any case), or NULL. */
const char *brood_header(const struct brood_request *request, const char *name, size_t *ret_len);

/**
 * typedef brood_body_fn - receives a request's body piece by piece.
 * @data: valid during the call. @len: 0 = the body is complete.
 */
typedef void brood_body_fn(struct brood_request *request, const void *data, size_t len, void *arg);

/**
 * brood_read_body() - have the body delivered.
 *
 * Call it from the handler, once; sends 100 Continue to a client that waits for it. The first piece
 * arrives after the handler has returned, never before.
 * A client that sends faster than the response leaves is held back. A body nobody asked for is discarded.
 * Return: 0, -EALREADY, -EPIPE (the response has ended).
 */
int brood_read_body(struct brood_request *request, brood_body_fn *fn, void *arg);

/* ---- in a worker: answering ------------------------------------------------------------------ */

/**
 * brood_set_header() - add a field to the response; before it starts.
 * Content-Length, Transfer-Encoding, Connection and Date are brood's own.
 * Return: 0, -EINVAL (not a valid name or value, or one of brood's own), -ENOSPC (over 4 KiB), -EALREADY.
 */
int brood_set_header(struct brood_request *request, const char *name, const char *value);

/**
 * brood_respond() - answer at once, whole.
 * @type: Content-Type, or NULL for none. @body: copied.
 * Return: 0, -EALREADY, -EINVAL (a status outside 200..599, a type that is no field value), or -ENOMEM:
 * the connection is reset and @request is gone.
 */
int brood_respond(struct brood_request *request, int status, const char *type, const void *body, size_t len);

#define BROOD_UNKNOWN_LENGTH UINT64_MAX

/**
 * brood_start() - begin a response whose body follows with brood_write() and ends with brood_end().
 * @length: of the body; BROOD_UNKNOWN_LENGTH = chunked (HTTP/1.0: ended by closing).
 * Return: as brood_respond(), but after -ENOMEM @request lives until on_close was called.
 */
int brood_start(struct brood_request *request, int status, const char *type, uint64_t length);

/**
 * brood_write() - send a piece of the body; copied.
 * Return: 0; -EAGAIN: nothing was taken because the client reads too slowly, wait for on_writable;
 *         -EMSGSIZE (more than the announced length), -EPIPE (not started or ended), -ENOMEM.
 */
int brood_write(struct brood_request *request, const void *data, size_t len);

/**
 * brood_end() - the body is complete; @request is gone.
 * Return: 0, or -EPIPE (not started or ended already). Fewer bytes than announced close the connection.
 */
int brood_end(struct brood_request *request);

typedef void brood_event_fn(struct brood_request *request, void *arg);

/* Calls @fn once when brood_write() will take data again. */
void brood_on_writable(struct brood_request *request, brood_event_fn *fn, void *arg);

/*
 * Calls @fn if the client leaves, or is cut, before the response has ended. Free what belongs to the
 * request there; @request is gone when @fn returns, its timer is cancelled.
 */
void brood_on_close(struct brood_request *request, brood_event_fn *fn, void *arg);

/* Calls @fn once in @ms milliseconds; a request has one timer, a second call moves it. */
void brood_timer(struct brood_request *request, uint32_t ms, brood_event_fn *fn, void *arg);

/* ---- in a worker: the worker itself ---------------------------------------------------------- */

/**
 * brood_retire() - ask for this worker to be replaced (the suicide protocol).
 * @reason: at most 63 bytes reach the log; borrowed for the call.
 *
 * The parent starts the replacement at once; this worker goes on serving until that one is ready, then
 * drains and exits. No restart penalty. Asking again is harmless.
 */
void brood_retire(const char *reason);

unsigned brood_slot(void);		/* 0..workers-1, stable across restarts */
unsigned brood_generation(void);	/* how many workers this slot has had before this one */
const char *brood_model_name(void);	/* "reuseport", "preemptive" or "round-robin" */
const char *brood_engine_name(void);	/* "io_uring" or "epoll", as --engine's log line says it */

/* ---- state: what all workers share ----------------------------------------------------------- */

/*
 * Keys and values in memory that every worker of the pool reads and writes; see brood_state(3). It outlives workers,
 * reloads and scaling, and an upgrade, but not the pool.
 *
 * A key is text, 1..BROOD_STATE_KEY_MAX bytes; a value is bytes, at most BROOD_STATE_VALUE_MAX. A ttl_ms is how long an
 * entry stays, in milliseconds, a few more being possible; 0 = for ever. Where state_full is BROOD_STATE_EVICT, any entry
 * may have gone at any time: it is a cache.
 *
 * Reading takes no lock. Writing waits at most 50 ms for a worker that writes near it, and then says -EAGAIN: that one is
 * stopped. One that is killed is as if it had written whole, or not at all.
 *
 * Process: a worker, in its loop; and the program before brood_run(), for the pool it has made last. All of them
 * return -ENOTSUP where there is no store (the option state is "off") and -EINVAL for what is no key.
 */
#define BROOD_STATE_KEY_MAX 239
#define BROOD_STATE_VALUE_MAX 65536

/**
 * brood_state_get() - read a value.
 * @out: gets it, not terminated. @ret_version: what brood_state_cas() takes; NULL = not wanted.
 *
 * A counter is read as the digits of its number.
 * Return: its length; -ENOENT (there is none, or it has expired), -ENOSPC (@size is too small), -EAGAIN.
 */
int brood_state_get(const char *key, void *out, size_t size, uint64_t *ret_version);

/**
 * brood_state_set() - write a value, whatever was there.
 * @value: copied.
 * Return: 0, -EMSGSIZE (too long), -ENOSPC (no room), -EAGAIN.
 */
int brood_state_set(const char *key, const void *value, size_t len, uint64_t ttl_ms);

/**
 * brood_state_cas() - write a value if nobody has written since it was read.
 * @version: of brood_state_get(); 0 = there must be none.
 * Return: as brood_state_set(), or -ESTALE (somebody has; read again), -EDOM (a counter: those are added to).
 */
int brood_state_cas(const char *key, uint64_t version, const void *value, size_t len, uint64_t ttl_ms);

/* Return: 0, -ENOENT, -EAGAIN. */
int brood_state_delete(const char *key);

/**
 * brood_state_add() - add to a counter, which begins as 0.
 * @n: may be negative, or 0. @ttl_ms: from its beginning; an addition does not make it live longer.
 * @ret_value: the sum, at this moment no other's; NULL = not wanted.
 * Return: 0, -EDOM (the key has a value that is no counter), -ERANGE (over 63 bits; nothing was added), -ENOSPC, -EAGAIN.
 */
int brood_state_add(const char *key, int64_t n, uint64_t ttl_ms, int64_t *ret_value);

/**
 * brood_state_next() - one key more.
 * @cursor: 0 to begin. @ret_key: terminated; BROOD_STATE_KEY_MAX + 1 bytes are always enough.
 *
 * Every key that is there from beginning to end comes once, in no order; one that comes or goes meanwhile may or may not.
 * A call looks at a bounded piece of the store.
 * Return: the key's length; 0 = that was all; -EAGAIN = none in this piece: call again, now or later; -ENOSPC.
 */
int brood_state_next(uint64_t *cursor, char *ret_key, size_t size);

/*
 * The same without waiting, and so wherever the store is: with the option state at "redis://..." there is no answer at once,
 * and the functions above return -ENOTSUP.
 */
struct brood_state_answer {
	int		error;		/* 0; or -errno as above, or one of these, of a server alone:
					 * -ETIMEDOUT, -ECONNRESET (it may have been done, or not), -EIO (it refuses) */
	uint64_t	version;	/* of a get: for brood_state_cas_async(); a counter has none: 0 */
	int64_t		number;		/* of a counter: the sum, what was read */
	const void	*value;		/* of a get; valid during the call. A counter's: its digits */
	size_t		len;
	const char	*const *keys;	/* of a scan: terminated; valid during the call */
	size_t		n_keys;		/* may be 0 although there are more */
	uint64_t	cursor;		/* of a scan: for the next one; 0 = that was all */
};

/* What is written; copied, with its bytes. */
struct brood_state_value {
	const void	*bytes;
	size_t		len;
	uint64_t	ttl_ms;
};

/**
 * typedef brood_state_fn - the answer.
 * @request: that of the call; NULL if it had none. @answer: valid during the call.
 *
 * Process: worker, in its loop, as a callback of @request: a fault in it is contained as one in a handler.
 */
typedef void brood_state_fn(struct brood_request *request, const struct brood_state_answer *answer, void *arg);

/**
 * brood_state_get_async() and so on - ask, and be told.
 * @request: for which it is; when that is over, @fn is not called any more, but what was asked is done. NULL = for none.
 * @fn: called once: within the call where the store is in memory, later where it is a server's. All else as above.
 *
 * brood_state_scan_async() is brood_state_next() in pieces: the keys that begin with @prefix ("" = all), from @cursor on, 0
 * to begin. On a server a key may come more than once.
 *
 * Process: a worker, in its loop. In memory as above before brood_run(), too.
 * Return: 0; or, and @fn is not called and nothing was done, -EINVAL, -EMSGSIZE, -ENOTSUP, -ENOMEM, -EPIPE (@request is
 * over), -EAGAIN (the server is not there now, or 65536 answers or 4 MiB of commands are outstanding).
 */
int brood_state_get_async(struct brood_request *request, const char *key, brood_state_fn *fn, void *arg);
int brood_state_set_async(struct brood_request *request, const char *key, const struct brood_state_value *value,
			  brood_state_fn *fn, void *arg);
int brood_state_cas_async(struct brood_request *request, const char *key, uint64_t version,
			  const struct brood_state_value *value, brood_state_fn *fn, void *arg);
int brood_state_delete_async(struct brood_request *request, const char *key, brood_state_fn *fn, void *arg);
int brood_state_add_async(struct brood_request *request, const char *key, int64_t n, uint64_t ttl_ms, brood_state_fn *fn,
			  void *arg);
int brood_state_scan_async(struct brood_request *request, const char *prefix, uint64_t cursor, brood_state_fn *fn, void *arg);

struct brood_watch;

/**
 * typedef brood_state_watch_fn - something has changed.
 * @key: what; NULL = anything that is watched by this prefix may have, more than could be told one by one.
 *
 * Process: worker, in its loop. It may read, write, watch and unwatch. Several changes of a key may be one call, and a call
 * may come without a change: what is there now is what brood_state_get() says. A fault in here is not contained.
 */
typedef void brood_state_watch_fn(const char *key, void *arg);

/**
 * brood_state_watch() - be called when somebody, in whatever worker, this one too, writes, adds to or deletes @key.
 * @ret_watch: for brood_state_unwatch(); NULL = for as long as the worker lives.
 *
 * That an entry expires or makes room is not told. Who watches first and then reads misses nothing. What is watched before
 * brood_run() is watched by every worker, and called once when it begins. On a server every watch is called once when it has
 * begun there, and again whenever the connection was lost.
 * Return: 0, -ENOMEM.
 */
int brood_state_watch(const char *key, brood_state_watch_fn *fn, void *arg, struct brood_watch **ret_watch);

/* The same of all keys that begin with @prefix, "" being all. */
int brood_state_watch_prefix(const char *prefix, brood_state_watch_fn *fn, void *arg, struct brood_watch **ret_watch);

/* Its function is not called any more. NULL is fine. */
void brood_state_unwatch(struct brood_watch *watch);

/* ---- once: one computation for all who ask --------------------------------------------------- */

#define BROOD_ONCE_VALUE_MAX (BROOD_STATE_VALUE_MAX - 8)

struct brood_load;
struct brood_once;

/**
 * typedef brood_load_fn - computes, or fetches, what belongs to @key.
 * @load: to be ended by brood_load_end(), here or later, exactly once. @key: valid during the call.
 *
 * Process: a worker, in its loop, inside of brood_once() or of a callback; what blocks here blocks that worker.
 */
typedef void brood_load_fn(struct brood_load *load, const char *key, void *arg);

/**
 * typedef brood_once_fn - here it is.
 * @error: 0, or what brood_load_end() was given, or another -errno, and there is no value. @value: valid during the call.
 */
typedef void brood_once_fn(int error, const void *value, size_t len, void *arg);

/* How values of one kind are made; start from BROOD_LOADER_INIT. Times are milliseconds; 0 = the default. */
struct brood_loader {
	uint32_t	 size;		/* set by BROOD_LOADER_INIT */
	uint32_t	 ttl_ms;	/* 1000: how long a value is given to whoever asks; at least 100. An error at most 1000 */
	uint32_t	 timeout_ms;	/* 10000: for a load; then somebody else who waits begins one */
	brood_load_fn	*load;
	void		*arg;		/* for each call of it: as long as anybody here waits, whoever asked first */
};

#define BROOD_LOADER_INIT { .size = sizeof(struct brood_loader) }

/**
 * brood_once() - get a value that is made once, however many ask for it, in whatever worker.
 * @loader: copied. @key: as in the shared state, of a space of its own, one byte shorter.
 * @done: called exactly once, unless it is cancelled; within this call if the value is in memory already.
 * @ret_once: for brood_once_cancel(); NULL when @done has been called. May be NULL.
 *
 * The first who asks loads; all others, here and in other workers, wait for that one and get what it got. If the worker
 * that loads dies, or the load takes longer than timeout_ms, one of those who wait loads. A load goes on when nobody waits
 * for it any more. Values are in the shared state, and may make room there for others; an evicted one is loaded again.
 *
 * Process: a worker, in its loop. A fault in @done is not contained, if it is called from the loop.
 * Return: 0, -EINVAL, -ENOMEM, -ENOTSUP (there is no shared state, or no loop yet); then @done is not called.
 */
int brood_once(const struct brood_loader *loader, const char *key, brood_once_fn *done, void *arg,
	       struct brood_once **ret_once);

/* Its function is not called: a client has left (brood_on_close()). NULL is fine; not after it was called. */
void brood_once_cancel(struct brood_once *once);

/**
 * brood_load_end() - the value of a load, or its error; @load is gone.
 * @error: 0, or a negative number for everybody who waits. @value: copied; at most BROOD_ONCE_VALUE_MAX bytes, over it all
 *         get -EMSGSIZE.
 */
void brood_load_end(struct brood_load *load, int error, const void *value, size_t len);

/* ---- messages -------------------------------------------------------------------------------- */

/*
 * Workers, and the functions of brood_on(), send each other messages: bytes, and with each at most one descriptor.
 * They go over sockets of their own by way of the parent, which reads none of them. What one sends to another arrives
 * once and in order, or is told to have been returned. Nothing here ever waits.
 */
#define BROOD_MESSAGE_INLINE	65536u		/* bytes; larger ones go as memory behind a descriptor, without it showing */
#define BROOD_MESSAGE_MAX	(64u << 20)

enum brood_to {
	BROOD_TO_SLOT = 0,		/* the worker that serves in that slot, or is about to */
	BROOD_TO_WORKER,		/* the worker with that id */
	BROOD_TO_PARENT,		/* the functions of brood_on() */
	BROOD_TO_ALL,			/* all workers, the sender too if it is one */
	BROOD_TO_OTHERS,		/* all but the sender */
};

/**
 * brood_send() - send a message.
 * @which: the slot or the id; else 0. @data: copied. @len: BROOD_MESSAGE_MAX at most; may be 0.
 * @fd: a descriptor that the recipient gets a duplicate of, each of them if there are several; -1 = none. It
 *      stays the caller's, who may close it at once.
 *
 * Small messages go at the end of the loop's turn, several at once.
 * Process: a worker, or that of the functions of brood_on(), in its loop.
 * Return: the message's number, which counts from 1 in each sender. Or: -EAGAIN, no room, because recipients are
 * slower than their senders: nothing was taken, brood_on_room() tells when to go on. -EPIPE (not such a process, or
 * the parent has cut it off), -EMSGSIZE, -EINVAL, -EBADF, -ENOMEM, -EMFILE, -ETOOMANYREFS (too many descriptors on
 * their way).
 */
int64_t brood_send(enum brood_to to, uint32_t which, const void *data, size_t len, int fd);

struct brood_message {
	uint32_t	from_id;	/* the worker's id; 0 = functions of brood_on() */
	uint32_t	from_slot;
	uint64_t	number;		/* as brood_send() has said */
	const void	*data;		/* valid during the call; aligned to 8 bytes */
	size_t		len;
	int		fd;		/* -1 = none; the callee's to close */
};

typedef void brood_message_fn(const struct brood_message *message, void *arg);

/**
 * brood_on_message() - have messages to this worker handled.
 * @fn: NULL = they are refused, and returned to who has sent them, as is the case before the first call.
 *
 * Process: a worker, mostly in brood_handler_start(); or a program before brood_run(), for all of its workers.
 */
void brood_on_message(brood_message_fn *fn, void *arg);

/* Messages that have not reached somebody; descriptors they carried are closed. */
struct brood_returned {
	uint64_t	first;		/* their numbers: this one and... */
	uint32_t	n;		/* ...so many in all */
	enum brood_to	to;		/* as they were sent */
	uint32_t	which;
	uint32_t	id;		/* the worker they did not reach; 0 = there was nobody to reach */
	int		error;		/* -ESRCH (nobody is there), -EPIPE (it has died before it handled them, or while it
					 * handled the first of them), -ENOTCONN (it wants none), -ETIMEDOUT (it did not take
					 * them for 10 s), -EMFILE, -ENOMEM (it could not take the descriptor, or the memory) */
};

typedef void brood_returned_fn(const struct brood_returned *returned, void *arg);

/* Calls @fn for returned messages of this process. Process: as brood_on_message(), or a function of brood_on(). */
void brood_on_returned(brood_returned_fn *fn, void *arg);

typedef void brood_self_fn(void *arg);

/* Calls @fn once after each time that brood_send() has said -EAGAIN, when there is room. Process: likewise. */
void brood_on_room(brood_self_fn *fn, void *arg);

/* Calls @fn when this worker has asked to be replaced. Process: as brood_on_message(). */
void brood_on_suicide(brood_self_fn *fn, void *arg);

/* Calls @fn when this worker is told to leave: it will be gone when its connections are. Process: likewise. */
void brood_on_disconnect(brood_self_fn *fn, void *arg);

uint32_t brood_id(void);		/* of this worker: 1, 2, ... in the order of birth, never used twice; 0 = no worker */
int brood_is_connected(void);		/* whether the parent is there and hears it: 0 or 1 */

/* ---- in the parent's program: events --------------------------------------------------------- */

/* What happens to workers; with Node's names (cluster), and in Node's order. */
enum brood_event_type {
	BROOD_EVENT_SETUP = 0,		/* the pool, or a reload of it, begins; .n = workers */
	BROOD_EVENT_FORK,		/* a worker has been made; .cause = "start", "restart", or why the one before has to go */
	BROOD_EVENT_ONLINE,		/* it could accept */
	BROOD_EVENT_LISTENING,		/* it accepts from .address; of each of them */
	BROOD_EVENT_MESSAGE,		/* it has sent .message to BROOD_TO_PARENT */
	BROOD_EVENT_SUICIDE,		/* it asks to be replaced; .cause = its reason */
	BROOD_EVENT_DISCONNECT,		/* it is not heard any more */
	BROOD_EVENT_EXIT,		/* it has ended; .exit_code, .signal, .exited_after_disconnect, .cause in words */
	BROOD_EVENT_GIVEUP,		/* its slot is not served any more; .cause */
	BROOD_EVENT_HUNG,		/* its loop does not turn since .n milliseconds; .n = 0: it does again */
	BROOD_EVENT_MISSED,		/* .n events are not told: these functions were too slow, or had to be started anew */
	BROOD_N_EVENTS,
};

struct brood_worker {
	uint32_t	id;		/* 0 = the event is of none */
	uint32_t	slot;
	uint32_t	generation;
	int32_t		pid;
	uint32_t	is_connected;	/* 1 from its fork to its disconnect */
	uint32_t	is_dead;	/* 1 from its exit on */
	uint32_t	exited_after_disconnect;	/* 1 = dead, after it was told to leave and has done so */
};

/* Read only; it gains fields at its end. What is not of the event is 0 or NULL. Valid during the call. */
struct brood_event {
	enum brood_event_type	type;
	const char		*name;		/* "fork" */
	uint64_t		time_ms;	/* since 1970 */
	struct brood_worker	worker;
	const char		*cause;		/* or NULL */
	int			exit_code;	/* -1 = ended by a signal */
	int			signal;		/* 0 = none */
	int			address_type;	/* 4, 6, or -1: a UNIX socket */
	const char		*address;	/* "127.0.0.1", or a path */
	unsigned		port;
	uint64_t		n;
	const struct brood_message *message;	/* of MESSAGE */
};

typedef void brood_observer_fn(const struct brood_event *event, void *arg);

/**
 * brood_on() - have events of a kind told to a function.
 * @brood: not yet running. @fn: NULL = none; one for each type.
 *
 * The functions run in a process of their own, which the parent forks when it runs, if there is any function, and
 * guards: when it dies it is started anew, later each time; when it hangs it is killed after the hang timeout. So they
 * can break nothing but themselves, and may wait, though what is sent to them waits too. It has the program's memory
 * of that moment, the pool's user and group, and no descriptors but the first three. With the option
 * callbacks_in_parent they run in the parent.
 * Process: parent only.
 * Return: 0, or -EINVAL (no such type).
 */
int brood_on(struct brood *brood, enum brood_event_type type, brood_observer_fn *fn, void *arg);

/**
 * brood_worker_find() - what is known of a worker.
 * Process: that of the functions of brood_on().
 * Return: 0, or -ENOENT: it has exited and is disconnected, or never was.
 */
int brood_worker_find(uint32_t id, struct brood_worker *ret_worker);

/* ---- in a worker: streams, connections that do not speak HTTP -------------------------------- */

struct brood_stream;

/**
 * struct brood_stream_events - what a stream calls; begin it with .size = sizeof(struct brood_stream_events).
 *
 * Each member may be NULL but data. Process: worker, in its loop: what blocks here blocks every connection of this
 * worker. @arg is that of brood_listen_stream(). A stream may be used until its close event has returned, from any
 * callback of this worker; a call never calls an event of a stream itself: it comes when the callback has returned.
 * With BROOD_FAULT_CONTAIN a fault in an event resets its connection and the stream is gone without its close event;
 * else it is as for brood_handler_fn.
 */
struct brood_stream_events {
	uint32_t size;
	/* A client is connected. */
	void	(*open)(struct brood_stream *stream, void *arg);
	/*
	 * Bytes have come, at least one, valid during the call. Return: how many were taken, at most @len; the rest is
	 * kept. After a part was taken it is called again at once with the rest; after 0, when more has come or after
	 * brood_stream_resume(), with all of it in one piece. What is not taken may be 64 KiB: more ends the stream with
	 * -EMSGSIZE. While more than 256 KiB are unsent, or after brood_stream_pause(), it is not called, and the client
	 * is held back by TCP once 64 KiB of its input wait.
	 */
	size_t	(*data)(struct brood_stream *stream, const void *data, size_t len, void *arg);
	/* After a write was refused with -EAGAIN: fewer than 64 KiB are unsent. */
	void	(*writable)(struct brood_stream *stream, void *arg);
	/* The client will send no more; writing goes on. Without: as if it called brood_stream_end(). */
	void	(*end)(struct brood_stream *stream, void *arg);
	/*
	 * It is over; always the last event, and there is one for each open. @stream is gone when it returns.
	 * @why: 0 = both sides have ended, or brood_stream_close(); -ECONNRESET = the client is gone; -ETIMEDOUT;
	 *       -ECANCELED = cut by the drain timeout; -EMSGSIZE = see data; -ENOMEM.
	 */
	void	(*close)(struct brood_stream *stream, int why, void *arg);
	/* The time of brood_stream_timer() is over. */
	void	(*timer)(struct brood_stream *stream, void *arg);
	/*
	 * This worker leaves (a reload, a stop, an upgrade; once a stream). A stream has no end of its own that could be
	 * waited for: it goes on until it is closed, by either side, or cut by --drain-timeout. So close it, or have the
	 * client end it, at the next place where your protocol can.
	 */
	void	(*drain)(struct brood_stream *stream, void *arg);
};

/**
 * brood_listen_stream() - add an address whose connections are streams.
 * @address: as for brood_listen(). @events: copied. @arg: given to every event; what it points to is the worker's own
 *           copy after the fork.
 *
 * A pool may have addresses of HTTP and of streams side by side. With .handler, brood_listen(brood, "stream:ADDRESS")
 * does the same with the events that the shared object exports. The limits, the drain, back-pressure and the counters of
 * connections apply.
 * Process: parent only, before brood_run().
 * Return: as brood_listen(); -EINVAL also when there is no data event.
 */
int brood_listen_stream(struct brood *brood, const char *address, const struct brood_stream_events *events, void *arg);

/**
 * brood_stream_write() - send bytes; copied. All writes of a turn of the loop leave in one send.
 * Return: 0; -EAGAIN: nothing was taken because more than 256 KiB are unsent: wait for the writable event; -EPIPE
 *         (ended or closed), -ENOMEM: the stream is about to end.
 */
int brood_stream_write(struct brood_stream *stream, const void *data, size_t len);

/* No more will be written: the client sees the end behind what was, and may go on sending. Return: 0 or -EPIPE. */
int brood_stream_end(struct brood_stream *stream);

/*
 * Nothing more is read; what was written is still sent, then the connection is closed in such a way that it arrives.
 * The close event follows when the callback has returned, with 0.
 */
void brood_stream_close(struct brood_stream *stream);

/* No data event until brood_stream_resume(). */
void brood_stream_pause(struct brood_stream *stream);
void brood_stream_resume(struct brood_stream *stream);

/*
 * Milliseconds, 0 = never. @idle_ms: nothing has come and nothing was written (the option idle_timeout_ms by default).
 * @write_ms: the client takes nothing of what is unsent (the option write_timeout_ms). Both end it with -ETIMEDOUT.
 */
void brood_stream_timeouts(struct brood_stream *stream, uint32_t idle_ms, uint32_t write_ms);

/* The timer event comes once in @ms milliseconds; a stream has one, a second call moves it. */
void brood_stream_timer(struct brood_stream *stream, uint32_t ms);

/* A pointer of yours; NULL at first. */
void brood_stream_set_user(struct brood_stream *stream, void *user);
void *brood_stream_user(const struct brood_stream *stream);

/* Which address it came by: 0 is that of the first brood_listen(), or --listen. */
unsigned brood_stream_listener(const struct brood_stream *stream);

/* Bytes written that the kernel has not taken yet. */
size_t brood_stream_unsent(const struct brood_stream *stream);

#define BROOD_PEER_BYTES 128

/**
 * brood_stream_peer() - who it is: "192.0.2.1:50000", "[2001:db8::1]:50000", "unix:" and what it is bound to, if it is.
 * Return: 0, or -errno (-ENOTCONN: it is gone already).
 */
int brood_stream_peer(const struct brood_stream *stream, char ret_peer[BROOD_PEER_BYTES]);

/* ---- in a worker: datagrams ------------------------------------------------------------------ */

/**
 * typedef brood_datagram_fn - a datagram has come.
 * @datagram, @data: valid during the call. @len: may be 0.
 *
 * Process: worker, in its loop, as brood_handler_fn; so is a fault, which with BROOD_FAULT_CONTAIN costs this call.
 */
typedef void brood_datagram_fn(struct brood_datagram *datagram, const void *data, size_t len, void *arg);

/**
 * brood_listen_datagram() - add an address of datagrams (UDP).
 * @address: as for brood_listen(), but no UNIX socket.
 *
 * Under BROOD_REUSEPORT each worker has its own socket, and what one client sends from one port comes to one
 * worker; else, and with .join, all share one. What waits in it is not lost by a reload, by scaling, by an upgrade or
 * by the death of a worker; brood_stream(3) has the exceptions. With .handler, brood_listen(brood, "udp:ADDRESS") has the shared object answer.
 * Process: parent only, before brood_run(). Return: as brood_listen(); -EINVAL also without a function.
 */
int brood_listen_datagram(struct brood *brood, const char *address, brood_datagram_fn *fn, void *arg);

/**
 * brood_datagram_reply() - answer who has sent it, from the address it was sent to; copied. As often as you like.
 * It leaves when those that have come with this one have been handled; one that the kernel has no room for is dropped, and
 * counted (brood_datagrams_dropped_total).
 * Return: 0, or -EMSGSIZE (over 65535 bytes; what a datagram may have is less, and the rest is dropped whole).
 */
int brood_datagram_reply(struct brood_datagram *datagram, const void *data, size_t len);

/**
 * brood_datagram_send() - send to somebody who has not asked, at once, from an address of datagrams.
 * @listener: that address, as brood_datagram_listener() has it. @to: "192.0.2.1:53", "[2001:db8::1]:53"; no name.
 *
 * Where each worker has a socket of its own, what is answered comes to the one that the kernel hashes it to.
 * Process: worker, in its loop, or in brood_handler_start().
 * Return: 0; -EINVAL (no worker, no address of datagrams, or @to), -EPIPE (this worker leaves, and has closed it),
 *         -EAGAIN (no room: it is dropped, and counted), -EMSGSIZE, -ECONNREFUSED and the like.
 */
int brood_datagram_send(unsigned listener, const char *to, const void *data, size_t len);

/* Who has sent it: "192.0.2.1:50000", "[2001:db8::1]:50000". */
void brood_datagram_peer(const struct brood_datagram *datagram, char ret_peer[BROOD_PEER_BYTES]);

/* By which address: 0 is that of the first brood_listen(), or --listen. */
unsigned brood_datagram_listener(const struct brood_datagram *datagram);

/* ---- tasks: what takes long is run in a process of its own ----------------------------------- */

/**
 * typedef brood_task_fn - runs one task.
 * @in: the input, @len bytes; valid until it returns.
 *
 * Process: a task process, one task at a time; nothing of a request or a connection is there. It may compute, block and
 * wait as it likes. What it crashes is this process, which is replaced.
 * Return: 0 = the task is done; anything else = it has failed. Either way what was said by brood_task_output() is its
 * result.
 */
typedef int brood_task_fn(struct brood_task *task, const void *in, size_t len, void *arg);

/**
 * brood_task_define() - name a function that task processes can run; before brood_run().
 * @name: 1 to 39 bytes; copied. @arg: given to every call; what it points to is the task process's own copy.
 *
 * A shared object has the table brood_tasks instead, see below.
 * Process: parent only. Return: 0, -EINVAL (the name), -EEXIST, -ENOSPC (over 64).
 */
int brood_task_define(struct brood *brood, const char *name, brood_task_fn *fn, void *arg);

/* What has become of a task. */
enum brood_task_status {
	BROOD_TASK_DONE = 0,	/* its function returned 0 */
	BROOD_TASK_FAILED,	/* it returned something else, or the process does not know the name */
	BROOD_TASK_CRASHED,	/* its process died; or while it was queued, the last process was given up */
	BROOD_TASK_TIMED_OUT,
	BROOD_TASK_CANCELLED,	/* the request it was for is over: the client has left, or it was answered already */
};

/**
 * typedef brood_task_done_fn - hears what has become of a task.
 * @request: that of brood_task(); NULL with BROOD_TASK_CANCELLED, because it cannot be answered any more.
 * @out: the result, @len bytes; valid until it returns; empty unless done or failed.
 *
 * Process: the worker that asked, in its loop. Called once for every task that brood_task() has taken, unless the handler
 * of its request has faulted and that was contained; never from within brood_task().
 */
typedef void brood_task_done_fn(struct brood_request *request, enum brood_task_status status, const void *out, size_t len,
				void *arg);

/* Hears what brood_task_progress() says, in order; @data is valid until it returns. */
typedef void brood_task_progress_fn(struct brood_request *request, const void *data, size_t len, void *arg);

/* Start from BROOD_TASK_OPTIONS_INIT; a field left 0 has its default. */
struct brood_task_options {
	uint32_t		size;		/* set by BROOD_TASK_OPTIONS_INIT */
	uint32_t		timeout_ms;	/* 30000: queued and running together; BROOD_OFF = none */
	brood_task_progress_fn	*on_progress;	/* NULL = not wanted */
};
#define BROOD_TASK_OPTIONS_INIT { .size = sizeof(struct brood_task_options) }

/**
 * brood_task() - have a task process run the function called @name.
 * @request: what it is for; when that is over, so is the task. NULL = nothing: the task ends by itself, and a worker that
 *           drains waits for it.
 * @in: @len bytes, copied: up to 64 KiB through a socket, above that, up to 1 GiB, through memory that both map.
 * @options: NULL = the defaults; borrowed for the call. @arg: given to @done and to on_progress.
 *
 * Process: worker. It never blocks. The task waits in the queue of the pool until a task process is free. While one is
 * under way a client that closes its side is taken to have left, also if it only half-closed.
 * Return: 0; -EAGAIN: the queue is full (answer 503); -ESRCH: there is no task process, because the option tasks is 0 or
 * all of them were given up; -ENOENT: none of that name; -EMSGSIZE; -EPIPE: the request is over; -EINVAL: @done is
 * NULL, or @options have another size; -EMFILE, -ENOMEM.
 */
int brood_task(struct brood_request *request, const char *name, const void *in, size_t len,
	       const struct brood_task_options *options, brood_task_done_fn *done, void *arg);

/* In a task: appends to its result; copied. Return: 0, -EMSGSIZE (over 1 GiB together), -ENOMEM. */
int brood_task_output(struct brood_task *task, const void *data, size_t len);
/*
 * In a task: tells the worker how far it is, at once; at most 64 KiB.
 * Return: 0, -EAGAIN (the worker is behind: leave this one out), -EMSGSIZE, -EPIPE (nobody waits any more).
 */
int brood_task_progress(struct brood_task *task, const void *data, size_t len);
/*
 * In a task: 1 = nobody waits for it any more, 0 = somebody does. One that is cancelled, or out of time, and has not
 * returned a second later is ended with its process, which is replaced at once. Costs nothing; system calls that wait
 * are interrupted (EINTR) when it changes, by SIGIO, which is brood's in a task process, as SIGRTMAX - 1 is.
 */
int brood_task_cancelled(const struct brood_task *task);

/* What a shared object's table of tasks consists of. */
struct brood_task_entry {
	const char	*name;		/* NULL ends the table */
	brood_task_fn	*fn;
	void		*arg;
};

/* ---- waiting without blocking: timers, programs, files, connections -------------------------- */

/*
 * In a worker. Each of these is for a request, and ends with it: when its response is complete or its client has left; or
 * for none (NULL), and then a worker that drains waits for it. A callback that ends because the request is over is told
 * -ECANCELED and gets NULL for it. While one of these is under way, a client that closes its side is taken to have left.
 * Called outside of a worker they return -EINVAL.
 */

/**
 * brood_alarm() - call a function in a while; a request may have as many as it likes.
 * @fn: not called when @request is over before. @ret_alarm: gone once @fn is called or @request is over; NULL = not wanted.
 * Return: 0, -EPIPE (the request is over), -ENOMEM.
 */
int brood_alarm(struct brood_request *request, uint32_t ms, brood_event_fn *fn, void *arg, struct brood_alarm **ret_alarm);
void brood_alarm_cancel(struct brood_alarm *alarm);

#define BROOD_KILLED 256	/* added to the number of the signal a program was killed by */

/**
 * typedef brood_spawn_fn - hears how a program has ended.
 * @code: 0..255 = its exit code; BROOD_KILLED + n = it was killed by signal n; -ECANCELED, -ETIMEDOUT, -EOVERFLOW (it wrote
 *        more than max_output_bytes) = it was killed for that.
 * @out, @err: what it has written, unless on_output took it; valid until it returns.
 */
typedef void brood_spawn_fn(struct brood_request *request, int code, const void *out, size_t out_len, const void *err,
			    size_t err_len, void *arg);
/* Hears what a program writes as it comes; @is_stderr: 0 or 1. */
typedef void brood_output_fn(struct brood_request *request, int is_stderr, const void *data, size_t len, void *arg);

/* Start from BROOD_SPAWN_OPTIONS_INIT. All of it is borrowed for the call. */
struct brood_spawn_options {
	uint32_t		size;			/* set by BROOD_SPAWN_OPTIONS_INIT */
	uint32_t		timeout_ms;		/* 0 = none */
	const char *const	*argv;			/* ended by NULL; the first is looked for in PATH */
	const char *const	*env;			/* NULL = the worker's */
	const char		*cwd;			/* NULL = the worker's */
	const void		*in;			/* its standard input */
	size_t			 in_len;
	size_t			 max_output_bytes;	/* of each of its two outputs; 0 = 1 MiB */
	brood_output_fn		*on_output;		/* NULL = it is kept until the end */
};
#define BROOD_SPAWN_OPTIONS_INIT { .size = sizeof(struct brood_spawn_options) }

/**
 * brood_spawn() - run a program.
 *
 * It has a process group of its own, which is killed (SIGKILL) when @request is over, its time is up, or it writes too much.
 * It is over when it has ended and both its outputs are closed, also by what it has started. It does not survive its worker
 * by our doing, but a worker that dies does not kill it.
 * Holds the worker until the program is executed: a fraction of a millisecond.
 * Return: 0, and then @done is called once; or -ENOENT, -EACCES and the like (it could not be executed), -EPIPE (the request
 * is over), -EINVAL, -EMFILE, -ENOMEM.
 */
int brood_spawn(struct brood_request *request, const struct brood_spawn_options *options, brood_spawn_fn *done, void *arg);

/* @error: 0 or -errno. @data: of a file that was read, @len bytes and no end; valid until it returns. */
typedef void brood_file_fn(struct brood_request *request, int error, const void *data, size_t len, void *arg);

/**
 * brood_read_file() - read a regular file as a whole, 256 KiB a turn of the loop.
 * @most: bytes; 0 = 16 MiB.
 *
 * The kernel offers no way to be told when a regular file would block: what is not in the page cache holds the worker for as
 * long as the disk takes, a piece at a time. For slow disks and network file systems use brood_task().
 * Return: 0, and then @fn is called once; or -ENOENT and the like, -EISDIR, -EINVAL (neither), -EFBIG, -EPIPE, -ENOMEM.
 */
int brood_read_file(struct brood_request *request, const char *path, size_t most, brood_file_fn *fn, void *arg);
/*
 * brood_write_file() - the same the other way: @data is copied, written beside @path and renamed over it, so that @path is
 * the old file or the new one; not synced. @mode: 0 = 0644. Return: 0, and then @fn is called once; or -errno.
 */
int brood_write_file(struct brood_request *request, const char *path, const void *data, size_t len, unsigned mode,
		     brood_file_fn *fn, void *arg);

/* What is heard of a connection; those that are NULL are not called, but on_data is needed. Start from ..._INIT. */
struct brood_socket_events {
	uint32_t size;		/* set by BROOD_SOCKET_EVENTS_INIT */
	void	(*on_connected)(struct brood_socket *socket, void *arg);
	void	(*on_data)(struct brood_socket *socket, const void *data, size_t len, void *arg);	/* valid during the call */
	void	(*on_writable)(struct brood_socket *socket, void *arg);	/* once, after a write was refused */
	void	(*on_close)(struct brood_socket *socket, int error, void *arg);	/* 0 = the other side ended; it is gone on return */
	/* The other side sends no more; on_close comes behind brood_socket_shutdown(). Without it: at once. */
	void	(*on_end)(struct brood_socket *socket, void *arg);
};
#define BROOD_SOCKET_EVENTS_INIT { .size = sizeof(struct brood_socket_events) }

/**
 * brood_connect() - connect to somebody else.
 * @address: "127.0.0.1:6379", "[::1]:80" or "unix:/run/x.sock". No host names: to look one up would block.
 * @timeout_ms: to be connected; 0 = 10000. @events: copied.
 * @ret_socket: until on_close returns or brood_socket_close() is called; may be written to before it is connected.
 *
 * When @request is over, on_close is told -ECANCELED.
 * Return: 0, -EINVAL, -ECONNREFUSED and the like (others are told to on_close), -EPIPE, -EMFILE, -ENOMEM.
 */
int brood_connect(struct brood_request *request, const char *address, uint32_t timeout_ms,
		  const struct brood_socket_events *events, void *arg, struct brood_socket **ret_socket);
/* @data is copied. Return: 0; -EAGAIN: over 256 KiB are unsent, wait for on_writable; -EPIPE, -ECONNRESET, -ENOMEM. */
int brood_socket_write(struct brood_socket *socket, const void *data, size_t len);
/* Nothing more is written; the other side sees the end when all is sent. Return: 0 or -EPIPE. */
int brood_socket_shutdown(struct brood_socket *socket);
/* on_data and on_close are not called until it is resumed: the other side is held back. */
void brood_socket_pause(struct brood_socket *socket);
void brood_socket_resume(struct brood_socket *socket);
/* At once, what is unsent is lost; on_close is not called. NULL is fine. */
void brood_socket_close(struct brood_socket *socket);

/**
 * typedef brood_fetch_fn - hears what another server has answered.
 * @status: of the response, 200..599; or what went wrong: -ECONNREFUSED and the like, -ETIMEDOUT, -EPROTO (it is no HTTP
 *          response, or not one to believe), -EMSGSIZE (over max_bytes), -ECONNRESET (it ended in the middle), -ECANCELED.
 * @reply: for brood_reply_field(); NULL when something went wrong. @body: without its framing. Both valid until it returns.
 */
typedef void brood_fetch_fn(struct brood_request *request, int status, const struct brood_reply *reply, const void *body,
			    size_t len, void *arg);

/* Start from BROOD_FETCH_OPTIONS_INIT. All of it is borrowed for the call. */
struct brood_fetch_options {
	uint32_t	 size;		/* set by BROOD_FETCH_OPTIONS_INIT */
	uint32_t	 timeout_ms;	/* 30000: for all of it */
	const char	*address;	/* as of brood_connect() */
	const char	*method;	/* NULL = "GET" */
	const char	*target;	/* NULL = "/"; path and query, encoded */
	const char	*host;		/* NULL = the address; "localhost" for a UNIX one */
	const char	*fields;	/* more field lines, each "Name: value\r\n"; NULL = none; not Host, not of framing */
	const void	*body;
	size_t		 body_len;
	size_t		 max_bytes;	/* of the body of the response; 0 = 16 MiB */
};
#define BROOD_FETCH_OPTIONS_INIT { .size = sizeof(struct brood_fetch_options) }

/**
 * brood_fetch() - ask another server, by HTTP/1.1.
 *
 * Connections are kept and used again, up to 8 idle ones an address and worker, for 10 s. When one of those turns out to be
 * closed, a GET or HEAD is sent once more, on a new one. No redirection is followed, nothing is decompressed, no TLS.
 * Return: 0, and then @done is called once; or -EINVAL (an option), and the errors of brood_connect().
 */
int brood_fetch(struct brood_request *request, const struct brood_fetch_options *options, brood_fetch_fn *done, void *arg);
/* In brood_fetch_fn: the value of the first field called @name (any case), or NULL; valid as long as the reply. */
const char *brood_reply_field(const struct brood_reply *reply, const char *name, size_t *ret_len);

/* ---- a shared object, as --handler loads it -------------------------------------------------- */

/*
 * What a shared object given to --handler (or .handler) exports.
 * brood_handle() is required where there is an address of HTTP, brood_stream_handler where there is one of streams,
 * brood_handle_datagram() where there is one of datagrams. brood_handler_start(), when there, is called once in each
 * worker before it serves; anything but 0 stops the worker ("could not start"). brood_handler_stop() is called when the
 * worker has drained.
 */
void brood_handle(struct brood_request *request);
extern const struct brood_stream_events brood_stream_handler;	/* with an arg of NULL */
void brood_handle_datagram(struct brood_datagram *datagram, const void *data, size_t len);
int brood_handler_start(void);
void brood_handler_stop(void);

/*
 * For brood_task(): what task processes can run, ended by a NULL name; required where the option tasks is set.
 * brood_task_start(), when there, is called once in each task process before it takes tasks, as brood_handler_start() is
 * in a worker, which is not called there.
 */
extern const struct brood_task_entry brood_tasks[];
int brood_task_start(void);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
