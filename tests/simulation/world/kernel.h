/* SPDX-License-Identifier: MIT */
/*
 * kernel.h - a world in one process: processes, descriptors, sockets, time, all from one seed
 *
 * The parent and its workers are the real ones, whole; each runs on a stack of its own and is switched away
 * from where it would sleep: in its engine's turn, in epoll_wait(), in poll(). What they ask of the kernel they
 * ask of this one: each call it answers is defined with CALL, and the linker puts it in the place of libc's.
 *
 *   chance.c    what is left to it
 *   process.c   processes: birth, sleep, signals, death; and their memory
 *   file.c      descriptors and what they stand for
 *   listener.c  sockets that listen, and their group
 *   tcp.c       connections
 *   packet.c    what parent and workers talk through
 *   event.c     epoll, timers, signals and deaths as descriptors
 *   system.c    the calls that are left
 *   engine.c    the third implementation of engine.h
 *   client.c    who asks; handler.c who answers
 *   fate.c      what is done to the pool from outside
 *   impostor.c  workers that are none
 *   check.c     the invariants
 */
#pragma once

#include "world/chance.h"
#include "world/trace.h"

#include "balance/group.h"
#include "balance/program.h"
#include "base/list.h"
#include "bridge/heritage.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <ucontext.h>

#define WORLD_BEGINS_MS 1000000
#define FDS_MOST	320		/* of a process */
#define PROCESSES_MOST	64
#define JUMP_WORDS	5		/* of __builtin_setjmp() */

/* Defines what is called in the place of libc's @name. The Makefile finds these lines. */
#define CALL(type, name, ...)			\
	type __wrap_##name(__VA_ARGS__);	\
	type __wrap_##name(__VA_ARGS__)

struct board;
struct client;
struct conn;
struct crew;
struct engine;
struct file;
struct socket;
struct worker;

/* ---- process.c ---- */

struct process {
	pid_t		 pid;		/* 0 = this place is free */
	pid_t		 parent_pid;	/* 1 = an orphan */
	bool		 doomed;	/* by SIGKILL, which ends it soon */
	uint64_t	 ends_ms;
	bool		 dead;		/* and not waited for */
	int		 code, signal;	/* how; signal 0 = exited */
	bool		 stopped, stop_told;	/* by SIGSTOP; and waitid() has said so */
	bool		 stop_changed;
	bool		 impostor;
	struct file	*fds[FDS_MOST];
	uint64_t	 pending;	/* signals, a bit each */
	uint64_t	 n_signals;	/* that came, ever */
	void		(*on_fault[NSIG])(int, siginfo_t *, void *);
	bool		(*is_ready)(struct process *p);	/* NULL = it runs, or is new */
	void		*waits_for;
	uint64_t	 until_ms;
	int		(*main)(struct process *p);
	void		*arg;		/* of main */
	struct heritage	 heritage;	/* of a worker, and the copy it would have */
	struct config	 config;
	ucontext_t	 context;	/* where it begins; under ASan, where it goes on */
	bool		 has_begun;
	void		*place[JUMP_WORDS];	/* where it goes on */
	void		*stack;
	struct list	 heap;
	struct worker	*worker;	/* what self_get() returned when it last ran */
	struct engine	*engine;
	uint64_t	 window_ms;	/* in which its turns are counted */
	unsigned	 n_turns;
};

/* The pool's sockets of one address, in the kernel's order, and the program that chooses among them. */
struct reuseport {
	unsigned	 n;
	struct socket	*members[GROUP_MOST];
	unsigned	 n_code;	/* 0 = the hash chooses */
	struct sock_filter code[PROGRAM_MOST];
};

struct world {
	uint64_t	 seed;
	uint64_t	 now_ms;
	uint64_t	 n_steps;
	struct process	*current;	/* NULL = the world itself */
	struct process	 processes[PROCESSES_MOST];
	struct list	 files;
	struct reuseport group;
	unsigned	 n_files, last_file;
	pid_t		 last_pid;
	pid_t		 parent_pid;	/* of the pool's parent */
	int		 exit_code;	/* its; -1 = it runs, -2 = it was killed */
	struct crew	*crew;		/* NULL before it is there and after */
	struct board	*board;
	uint64_t	 life_ms;	/* how long the pool is to run */
	bool		 short_timeouts;	/* its clients may be told 408 */
	bool		 troubled;	/* somebody may have to wait for long */
	bool		 treacherous;	/* an impostor was here */
	bool		 lost_to_cut;	/* somebody who was owed an answer */
	bool		 lend_lost;	/* a listener was, on its way to a worker */
	bool		 harsh;		/* somebody was killed while the pool stopped */
	const struct connection *beside;	/* it waits in a shared queue, and a worker sleeps... */
	uint64_t	 beside_ms;	/* ...since then */
	uint64_t	 stop_by_ms;	/* when it must have ended; 0 = it may go on */
};

extern struct world world;

#define process_each(it) \
	for (struct process *it = world.processes; it < world.processes + PROCESSES_MOST; it++) if (it->pid != 0)

struct process *process_create(int (*main)(struct process *p), void *arg);
struct process *process_find(pid_t pid);
const char *process_name(const struct process *p);
/* Lets others go on until @is_ready, or until @until_ms. */
void process_wait(bool (*is_ready)(struct process *p), void *waits_for, uint64_t until_ms);
void process_signal(struct process *p, int number);
void process_end(struct process *p, int code, int signal);
/* The signal a handler can see: it is told, and dies. */
_Noreturn void process_fault(int number);
bool process_is_ready(const struct process *p);
/* Runs it until it waits again. */
void process_run(struct process *p);
/* Forgets one that was waited for. */
void process_forget(struct process *p);

/* Memory of the world's own, zeroed; not of the process that runs. */
void *world_alloc(size_t n);
void world_free(void *at);

/* ---- file.c ---- */

enum file_kind {
	FILE_PLAIN, FILE_SOCKET, FILE_STREAM, FILE_PACKETS, FILE_EPOLL, FILE_COUNTER, FILE_TIMER, FILE_SIGNALS,
	FILE_PID,
};

/* What each kind of file does; a missing function refuses. */
struct file_ops {
	bool	(*readable)(const struct file *f);
	bool	(*writable)(const struct file *f);
	void	(*release)(struct file *f);	/* its last descriptor is closed */
	uint64_t (*edges)(const struct file *f);	/* changes so far; NULL = it is not known */
};

struct file {
	enum file_kind	 kind;
	const struct file_ops *ops;
	unsigned	 n_refs;
	unsigned	 number;	/* for the trace */
	struct process	*owner;		/* who made it, or closed it last; NULL = it was on its way */
	struct list	 link;		/* of the world's */
};

void *file_create(size_t size, enum file_kind kind, const struct file_ops *ops);
void file_take(struct file *f);
void file_drop(struct file *f);
/* Return: the lowest free descriptor, or -1 and errno. Takes a reference. */
int file_install(struct process *p, struct file *f);
/* NULL and EBADF, or another kind and ENOTSOCK, unless it is @kind. */
void *file_get(int fd, enum file_kind kind);
/* It must be there. */
struct file *file_at(const struct process *p, int fd);
void file_close(struct process *p, int fd);
static inline bool file_readable(const struct file *f)
{
	return f->ops->readable && f->ops->readable(f);
}
static inline bool file_writable(const struct file *f)
{
	return f->ops->writable && f->ops->writable(f);
}

/* ---- listener.c, tcp.c ---- */

#define ROOM_MOST 4096

/* One side of a connection: what has arrived and was not read. */
struct half {
	char		 bytes[ROOM_MOST];
	unsigned	 room;		/* of them are used */
	unsigned	 begin, n;
	bool		 ended;		/* the other side has sent its end */
	bool		 reset;		/* by the other side */
	bool		 reset_told;
	bool		 shut_in, shut_out;	/* by this side */
	bool		 closed;
	uint64_t	 n_sent;
	uint64_t	 n_edges;	/* changes an edge-triggered watcher is told of */
};

struct connection {
	struct half	 halves[2];	/* the pool's, the client's */
	struct client	*client;	/* NULL once it has gone */
	unsigned	 n_sides;	/* not closed yet */
	struct socket	*listener;	/* in whose queue it is; NULL = in none */
	bool		 spoiled;	/* the kernel has failed it, or its worker died: it may be lost */
	bool		 cut;		/* the time to drain was over */
	bool		 cut_by_stop;	/* of the whole pool */
	struct connection *next;	/* in the queue */
};

enum { OURS, THEIRS };

struct stream {
	struct file	 file;
	struct connection *connection;
	bool		 hard;		/* SO_LINGER 0: closing resets */
};

/* A socket that is bound and perhaps listens. */
struct socket {
	struct file	 file;
	uint16_t	 port;		/* 0 = not bound */
	bool		 listening;
	bool		 reuseport;
	bool		 refuses;	/* handshakes, by its filter */
	struct connection *first, **last;
	unsigned	 n_queued;
	struct waiter	*waiters;	/* exclusive ones, in order */
};

/* Of those who wait for a socket exclusively an arrival wakes one. */
struct waiter {
	struct socket	*listener;	/* NULL = it does not wait */
	struct process	*process;
	struct waiter	*next;
	bool		 woken;
};

/* Woken at once when there is something. */
void socket_wait(struct socket *s, struct waiter *w);
void socket_wait_no_more(struct waiter *w);

/* Return: 0, -ECONNREFUSED (nobody listens), or -EAGAIN (the handshake goes unanswered for now). */
int tcp_connect(struct client *client, uint16_t port, unsigned room, struct connection **ret_connection);
void packets_shut(struct file *f);
void socket_shut(struct socket *s);
int socket_set(struct socket *s, int option, const void *value);
/* Why @c is being lost by @p, for the one who asks later. */
void note_why(struct connection *c, const struct process *p);
/* Return: bytes, 0 = the end, or -errno. */
ssize_t tcp_receive(struct connection *c, int side, char *to, size_t n);
ssize_t tcp_send(struct connection *c, int side, const char *from, size_t n);
/* The pool's side of @c, as a file. */
struct stream *stream_create(struct connection *c);
/* The system call, of the engine on epoll. */
ssize_t stream_sendmsg(struct stream *s, const struct msghdr *header);
void tcp_shutdown(struct connection *c, int side, bool in, bool out);
void tcp_close(struct connection *c, int side, bool hard);
bool tcp_readable(const struct connection *c, int side);
bool tcp_writable(const struct connection *c, int side);

/* ---- event.c ---- */
/* When the next timer is due; UINT64_MAX = none is set. */
uint64_t timers_next_ms(void);

/* ---- engine.c ---- */
/* Whether it cannot do without (the real one on epoll). */
bool engine_wants_memory(const struct engine *e);
void engine_forget(struct process *p);
/* Holds what the engine has under way against what @c says of itself. */
void engine_check(const struct engine *e, const struct conn *c);

/* ---- check.c ---- */

/* An invariant is broken: says which, and how to see it again; ends the job. */
_Noreturn __attribute__((format(printf, 1, 2))) void broken(const char *format, ...);
#define holds(invariant, ...) (__builtin_expect(!!(invariant), 1) ? (void)0 : broken(__VA_ARGS__))
/* After each step of the process that took it. */
void check_worker(struct process *p);
void check_parent(void);
void check_time(void);
/* When all is over. */
void check_end(void);

/* ---- client.c ---- */
void clients_begin(void);
void clients_end(void);
/* When the next of them does something; UINT64_MAX = never. */
uint64_t clients_next_ms(void);
/* One whose time has come does something. Return: whether there was one. */
bool clients_step(void);
bool clients_gone(void);
void clients_swizzle(void);

/* ---- world.c ---- */

/* Lives the world of @seed. Return: the hash of its trace. */
uint64_t world_live(uint64_t seed, bool printed);

/* ---- fate.c ---- */

/* Starts a pool. */
void fate_begin(void);
uint64_t fate_next_ms(void);
void fate_step(void);
/* Waits for what never comes. */
bool never(struct process *p);

/* ---- impostor.c ---- */
int impostor_main(struct process *p);
