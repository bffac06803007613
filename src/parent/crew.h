/* SPDX-License-Identifier: MIT */
/*
 * crew - all the parent knows: its slots, its children, and what the room's files do with them
 *
 * A child is one process and one row of the board; a slot is a place that one child serves after another.
 * The last child of a slot may live on for a while (leaving) and then belongs to no slot any more.
 */
#pragma once

#include "balance/group.h"
#include "balance/least.h"
#include "base/address.h"
#include "base/handshakes.h"
#include "base/log.h"
#include "bridge/board.h"
#include "bridge/bulletin.h"
#include "bridge/channel.h"
#include "bridge/config.h"
#include "bridge/stored.h"
#include "parent/endpoint.h"
#include "parent/parent.h"
#include "parent/restart.h"
#include "parent/slot.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct acceptor;
struct box;
struct control;
struct herald;
struct heritage;
struct notify;
struct post_office;
struct program;
struct takeover;

enum child_phase {
	CHILD_STARTING,
	CHILD_SERVING,
	CHILD_LEAVING,		/* was told to drain */
	CHILD_DYING,		/* killed by us or going by its own account: nothing it says counts */
};

struct child {
	uint32_t	 serial;	/* 0 = this place is free; never used twice */
	pid_t		 pid;
	int		 pid_fd;
	int		 channel_fd;	/* -1 once it is hung up */
	struct box	*box;		/* of its messages; NULL = it is cut off */
	unsigned	 slot;
	uint32_t	 generation;	/* workers its slot had had before */
	enum child_phase phase;
	bool		 ever_ready;
	bool		 hung;		/* and was aborted for it */
	bool		 silent;	/* its loop has not turned for a while: nothing new is for it */
	bool		 drained;	/* it said so */
	bool		 overrun;	/* it went, because what it ran would not end */
	bool		 buried;	/* its death is logged and its slot knows: only to be reaped */
	uint32_t	 n_cut;		/* connections, by its DRAINED */
	uint32_t	 n_messages;
	uint64_t	 born_ms;
	uint64_t	 ready_ms;
	uint64_t	 stopped_ms;	/* by a signal, since then; 0 = it is not */
	uint64_t	 deadline_ms;	/* then it is killed; 0 = none */
	const char	*deadline_why;	/* the reason given then */
	const char	*killed_for;	/* why we killed it; NULL = we did not */
	uint32_t	 reload;	/* the pool's last reload when it was born */
	uint32_t	 shared;	/* mask of the addresses that it knows to be another pool's as well */
	unsigned	 heir;		/* the slot whose inbox its idle connections go to, and one; 0 = none */
	uint32_t	 reopened;	/* the last opening of the logs that it knows of... */
	uint32_t	 reopening;	/* ...and that it has been told of */
	uint64_t	 wish_ms;	/* when it asked to be replaced; 0 = it did not */
	char		 wish[64];	/* the reason given */
	char		 failure[256];	/* of its FAILED; empty = none */
};

/* A task process has a slot as a worker has: those from WORKERS_MAX on. */
struct slot {
	unsigned	 index;
	enum slot_state	 state;
	struct child	*incumbent;
	struct child	*successor;
	uint32_t	 n_born;		/* workers this slot has had */
	int		 listen_fd[LISTENERS_MAX];	/* in custody; -1 = none */
	struct restart_history history;
	uint64_t	 turn_ms;	/* when its wait is over; 0 = it does not wait */
	uint32_t	 delay_ms;	/* the wait the next rule may begin */
	uint64_t	 orphaned_ms;	/* from when on what waits for it is for others; 0 = it has a reader */
	struct child	*borrower;	/* who reads them meanwhile */
	uint32_t	 weight;	/* in force; of new connections */
	int		 give_fd;	/* the ends of its inbox; -1 = it has none yet */
	int		 take_fd;
	int		 heir_fd;	/* an inbox of the pool that we are left for; -1 = none */
	uint32_t	 n_connections;	/* at the last look */
	uint32_t	 tallied;	/* serial of the child that the kernel's program counts for */
	int64_t		 drift;		/* found when it was last looked at, and not corrected */
	uint32_t	 joined;	/* mask of its listeners that the kernel's program can choose */
	bool		 around;	/* steered around: new connections go to others */
	bool		 was_ready;	/* ever */
	uint32_t	 n_restarts;	/* after deaths */
	uint64_t	 died_ms;	/* when a worker of it died last; 0 = never */
	char		 death[256];	/* and how */
	unsigned	 n_stored;	/* by its programs */
	bool		 store_told;	/* that it is full */
	struct stored	 stored[STORED_MOST];
};

/* A request that has made workers fault. */
struct suspect {
	uint64_t	fingerprint;	/* 0 = none */
	uint64_t	first_ms;
	uint32_t	n_faults;
	char		request[160];	/* the last of its like; as a worker told it */
};

/* One that has too often. */
struct quarantine {
	struct suspect	culprit;
	uint64_t	until_ms;	/* 0 = this place is free */
};

#define SUSPECTS_MOST 64

/* Slots that leave: when may their listeners be closed? */
struct departures {
	struct handshakes	handshakes;	/* begun before they were steered around */
	uint64_t		deadline_ms;	/* then they are, whatever is queued */
};

/* A new parent of our own program, that is to take over. */
struct upgrade {
	pid_t		pid;		/* 0 = there is none */
	int		pid_fd;
	int		fd;		/* where it speaks to us; -1 = it is not heard any more, and has been killed */
	unsigned	n_messages;
	uint64_t	deadline_ms;	/* to be ready; 0 = none */
};

/* As process 1: a pool beside us, its parent our child, that serves while we become the new program. */
struct inplace {
	pid_t		other;	/* 0 = there is none, or none any more */
	int		fd;	/* for taking over from it; -1 = there is nothing to become */
	uint64_t	at_ms;	/* not before */
	uint64_t	patience_ms;	/* of a pool that has died: how long its workers may take to leave */
	bool		ending;	/* an end was asked for: that of the other pool, then ours */
};

enum stopping { NOT_STOPPING, STOPPING, STOPPING_NOW };

struct crew {
	const struct config	*config;	/* in force */
	const struct config	*proven;	/* with which every worker got ready; else as above */
	const struct config	*first;		/* not ours to destroy */
	const struct renewal	*renewal;	/* NULL = the first is the last */
	uint64_t		 now_ms;	/* of this turn of the loop */
	pid_t			 pid;
	uint64_t		 born_ms;
	bool			 reaps;		/* orphans are ours to collect */
	uint64_t		 n_oom_kills;	/* that the kernel had counted at the last look */
	uint64_t		 n_oom_unexplained;	/* of those, without a death they explain... */
	uint64_t		 oom_until_ms;	/* ...and until when they may */

	unsigned		 n_slots;	/* those that leave are among them */
	unsigned		 n_wanted;
	uint64_t		 scale_ms;	/* since when there are to be so many; 0 = there are */
	struct slot		*slots;
	struct restart_policy	 policy;
	uint64_t		*death_times;	/* memory of the histories */
	uint32_t		 n_slot_deaths;	/* that each slot has room for there */
	struct deaths		 deaths;	/* of all workers' slots */
	unsigned		 n_tasks;	/* slots of task processes */
	bool			 tasks_leave;	/* no worker is left to ask them */
	struct deaths		 task_deaths;
	int			 ticket_fd[2];	/* the queue of tasks: to give, to take; -1 = there is none */
	unsigned		 n_tickets_max;

	unsigned		 n_children_max;	/* = rows of the board */
	unsigned		 n_children;
	struct child		*children;
	uint32_t		 last_serial;
	struct board		*board;

	struct group		 groups[LISTENERS_MAX];	/* reuseport: of each address */
	bool			 steer_due;		/* a group has changed */
	bool			 steer_failed;		/* said once */
	uint32_t		 balance;		/* enum brood_balance, never AUTO */
	struct least		*least;			/* NULL = it is not loaded */
	char			 why_not_least[128];	/* empty = it is, or is not wanted */
	uint64_t		 join_ms;		/* when to try again to join the rest; 0 = all have */
	uint32_t		 join_wait_ms;
	bool			 steer_blind;		/* who is where was not handed down in full: no weights */
	uint64_t		 weigh_ms;		/* when to look at the loads next; 0 = upon an arrival */
	uint64_t		 arrival_ms;		/* when one woke us */
	uint64_t		 moved_ms;		/* when connections last came */
	uint64_t		 n_accepted;		/* by all, then */
	struct departures	 departures;
	int			*reserved_fd;	/* a bound socket per address; -1 = closed */
	struct endpoint		places[LISTENERS_MAX];	/* of UNIX sockets; their .fd is only -1 or not */
	int			*claim_fd;	/* what keeps other pools from each address; -1 = given up */
	uint32_t		 shared;	/* mask of the addresses whose sockets another pool holds as well... */
	unsigned		 n_shared_slots;	/* ...of slots that have their own, of those below this */
	struct acceptor		*acceptor;	/* round-robin */

	uint32_t		 engine;	/* enum brood_engine */
	bool			 engine_settled;	/* by the first READY */
	char			 engine_why[124];	/* why not io_uring; empty when it is */
	bool			 was_ready;	/* every slot, once */

	struct suspect		 suspects[SUSPECTS_MOST];
	struct quarantine	 quarantines[POISON_MOST];	/* the rows of the board's list */
	uint64_t		 wake_ms;	/* when to have a worker look at a shared socket again; 0 = never */
	unsigned		 n_wakes;	/* since the last death */
	uint64_t		 look_ms;	/* when to look next whether a worker hangs; 0 = never */
	uint64_t		 transfer_ms;	/* the last look at who has how many connections */
	bool			 stranger_told;	/* there is one; it is said once */
	uint64_t		 stranger_ms;	/* when to look for one again, at the earliest */
	uint32_t		 n_reloads;	/* asked for; who was born before the last is to be replaced */
	bool			 reloading;	/* the last is under way */
	uint64_t		 reload_ms;	/* when it was asked for */
	char			 reload_failure[256];	/* why the last was stopped; empty = it was not */
	uint32_t		 n_reopens;	/* of the logs, asked for */
	bool			 reopening;	/* the last is not known to every worker */
	uint64_t		 n_restarts;	/* after deaths, of all slots */
	uint64_t		 n_giveups;
	uint64_t		 n_task_restarts;
	uint64_t		 n_task_giveups;
	uint64_t		 n_reloads_failed;
	uint64_t		 n_deaths[BULLETIN_N_DEATHS];	/* of those that were not to end */

	const struct program	*program;	/* NULL = not known */
	struct upgrade		 upgrade;
	char			 upgrade_failure[320];	/* how the last has failed; empty = it has not */
	pid_t			 left_to;	/* the parent that has taken over; 0 = none has */
	struct inplace		 inplace;
	struct takeover		*takeover;	/* NULL = there was no pool before us */

	enum stopping		 stopping;
	uint64_t		 stop_at_ms;	/* not ready any more, and stopping then; 0 = no */
	unsigned		 n_stop_signals;
	int			 exit_code;	/* that the stop was begun with */
	bool			 drain_late;	/* a worker had to be killed for its deadline */
	uint64_t		 n_cut;		/* connections, since the stop began */
	uint64_t		 stop_began_ms;
	uint64_t		 stop_deadline_ms;

	int			 epoll_fd;
	int			 signal_fd;
	sigset_t		 signal_mask;	/* as it was before us */
	int			 timer_fd;
	int			 access_fd;	/* the access log; -1 = none */
	int			 wake_fd;	/* workers tell of arrivals; -1 = nobody is interested */
	int			 ask_fd;	/* workers ask for the status; -1 = none of them does */
	uint64_t		 question_ms;	/* when to hear the next question; 0 = it is heard */
	struct board_row	*departed;	/* what those have counted that have died; NULL = nobody asks */
	uint64_t		 timer_ms;	/* what it is set to; 0 = off */
	struct post_office	*post;
	struct herald		*herald;	/* NULL = brood_on() was not called */
	struct notify		*notify;	/* NULL = no service manager wants to know */
	struct control		*control;	/* NULL = no control socket */
	char			*pid_file_draft;	/* NULL = not there */
	bool			 pid_file_published;
};

#define slot_each(crew, it) \
	for (struct slot *it = (crew)->slots; it < (crew)->slots + (crew)->n_slots; it++)

#define SLOTS_MAX (WORKERS_MAX + TASKS_MAX)

#define task_each(crew, it) \
	for (struct slot *it = (crew)->slots + WORKERS_MAX; it < (crew)->slots + WORKERS_MAX + (crew)->n_tasks; it++)

static inline struct slot *slot_after(const struct crew *crew, struct slot *slot)
{
	struct slot *tasks = crew->slots + WORKERS_MAX;

	if (++slot == crew->slots + crew->n_slots)
		slot = tasks;
	return slot == tasks + crew->n_tasks ? NULL : slot;
}

/* Workers' slots, then those of task processes. */
#define any_slot_each(crew, it) \
	for (struct slot *it = (crew)->slots; it; it = slot_after(crew, it))

static inline bool slot_is_task(unsigned index)
{
	return index >= WORKERS_MAX;
}

/* How it is called: "worker 3", "task 0". */
static inline const char *slot_kind(unsigned index)
{
	return slot_is_task(index) ? "task" : "worker";
}

static inline unsigned slot_number(unsigned index)
{
	return slot_is_task(index) ? index - WORKERS_MAX : index;
}

/* What a descriptor in the epoll set is; the 64 bits of its event are spelled here only. */
enum source {
	SOURCE_SIGNAL, SOURCE_TIMER, SOURCE_ARRIVAL, SOURCE_CHANNEL, SOURCE_PID, SOURCE_ACCEPTOR, SOURCE_CONTROL,
	SOURCE_UPGRADE, SOURCE_UPGRADE_PID, SOURCE_TAKEOVER, SOURCE_QUESTION,
	SOURCE_POST, SOURCE_HERALD, SOURCE_HERALD_MAIL,
};

static inline uint64_t tag_make(enum source source, uint32_t serial, unsigned row)
{
	return (uint64_t)source << 56 | (uint64_t)serial << 16 | row;
}

static inline enum source tag_source(uint64_t tag)
{
	return (enum source)(tag >> 56);
}

static inline uint32_t tag_serial(uint64_t tag)
{
	return (uint32_t)(tag >> 16);
}

static inline unsigned tag_row(uint64_t tag)
{
	return tag & 0xffff;
}

/* The first of the living from @at on; NULL = there is none. */
static inline struct child *child_from(const struct crew *crew, struct child *at)
{
	while (at < crew->children + crew->n_children_max && at->serial == 0)
		at++;
	return at < crew->children + crew->n_children_max ? at : NULL;
}

/* Visits the living; the one visited may be destroyed. */
#define child_each(crew, it) \
	for (struct child *it = child_from(crew, (crew)->children); it; it = child_from(crew, it + 1))

/* What we know of a death, kept beyond the child. */
struct obituary {
	unsigned	 slot;
	uint32_t	 generation;
	pid_t		 pid;
	bool		 ever_ready;
	uint64_t	 lived_ms;
	uint64_t	 in_flight;
	bool		 has_in_flight;	/* a program does not tell */
	int		 exit_code;	/* -1 = ended by a signal */
	int		 signal;
	bool		 has_address;
	uint64_t	 address;
	char		 request[160];	/* empty = none known */
	char		 why[256];	/* its own reason, or ours to kill it; empty = none */
	bool		 overrun;	/* it went of its own accord, as a task process may */
	bool		 failed;	/* why is its own: it could not start */
	bool		 out_of_memory;	/* the kernel killed it; why is the limit */
};

/* What a child was to its slot. */
enum role { ROLE_INCUMBENT, ROLE_SUCCESSOR, ROLE_LEAVING };

/* crew.c */
int crew_create(const struct config *config, struct crew **ret_crew);
void crew_destroy(struct crew *crew);
/* The restart limits are those of @config from now on. Return: 0 or -ENOMEM; not when they were so before. */
int crew_set_policy(struct crew *crew, const struct config *config);
/* New slots are EMPTY; those that are dropped must be. */
void crew_resize(struct crew *crew, unsigned n_slots);
/* Of a program, its name: nothing else is known of how it waits. */
const char *crew_engine_name(const struct crew *crew);

/* loop.c */
int loop_init(struct crew *crew);
void loop_finish(struct crew *crew);
/* Starts the workers; returns when the crew has stopped and every child is reaped. */
void loop_run(struct crew *crew);

/* child.c */

/* Forks a worker for @slot. Return: 0, -EAGAIN (no room on the board), or another -errno. */
int child_create(struct crew *crew, struct slot *slot, struct child **ret_child);
/* The process must have been reaped. */
void child_destroy(struct crew *crew, struct child *child);
/* NULL when it is gone. */
struct child *child_find(const struct crew *crew, unsigned row, uint32_t serial);
const struct board_row *child_row(const struct crew *crew, const struct child *child);
/* Connections that ended with it: what its DRAINED says, or what it had open when it died. */
uint64_t child_n_cut(const struct crew *crew, const struct child *child);
/* Whether it is a worker that is there, ready, not silent, and was not told to leave. */
bool child_serves(const struct child *child);
unsigned child_n_free(const struct crew *crew);
void child_hang_up(struct crew *crew, struct child *child);
/* @why: lives for ever; the log gives it as the reason for the kill. */
void child_kill(struct crew *crew, struct child *child, const char *why);
/* Has it report what it is at, and die; kills it if it does not. */
void child_abort(struct crew *crew, struct child *child, const char *why);
/* Kills it if it still lives in @ms; only ever earlier than what was set before. */
void child_limit(struct crew *crew, struct child *child, uint64_t ms, const char *why);
/* It is on its way out: nothing it says counts any more. */
void child_expect_death(struct crew *crew, struct child *child, uint64_t ms, const char *why);
/* For log_about(). @cause: borrowed, or NULL. */
struct log_subject child_subject(const struct child *child, const char *cause);
/* Makes the slot forget @child. Return: what it was to the slot. */
enum role child_detach(struct crew *crew, struct child *child);
void child_drain(struct crew *crew, struct child *child, uint32_t timeout_ms, bool last);
/* It is to be replaced when it is its turn; @reason is for the log. The first wish counts. */
void child_wish(struct crew *crew, struct child *child, const char *reason);

/* spawn.c */

/* Forks; the child runs worker_main() and never returns. Return: its pid or -errno. */
pid_t spawn_worker(const struct heritage *heritage);
/* Forks; the child runs helper_main(), with @mail_fd alone. Return: its pid or -errno. */
pid_t spawn_helper(const struct config *config, pid_t parent_pid, int mail_fd, _Atomic uint64_t *progress);

/* post.c */

/* Return: 0 or -ENOMEM. */
int post_create(struct crew *crew);
void post_destroy(struct crew *crew);
/* Passes on all that the owner of @box has sent; NULL is fine. */
void post_hear(struct crew *crew, struct box *box);
/* Its owner has died, or is as good as dead: passes on what it has sent, returns what it has not read. NULL is fine. */
void post_close(struct crew *crew, struct box *box);
/* Return: false = there is no room; herald_room() will be called. */
struct event_note;
bool post_tell_helper(struct crew *crew, const struct event_note *note);
/* @row, @id, @events: of the event. */
void on_post(struct crew *crew, unsigned row, uint32_t id, uint32_t events);
/* When post_expire() has work; 0 = never. */
uint64_t post_next_ms(const struct crew *crew);
void post_expire(struct crew *crew);

/* message.c */

/* Handles a bounded number of messages of @child. */
void on_channel(struct crew *crew, struct child *child);
/* Handles all that a dead child has left in its channel. */
void hear_last_words(struct crew *crew, struct child *child);

/* reap.c */

/* Before the first worker is born. */
void reap_begin(struct crew *crew);
void on_death(struct crew *crew, struct child *child);
/* The child said it is dying: its slot need not wait for the process to end. */
void on_dying(struct crew *crew, struct child *child, const struct crash_msg *crash);
/* The child said that a handler faulted, and that it goes on until it is replaced. */
void on_contained(struct crew *crew, const struct child *child, const struct crash_msg *fault);
/* As process 1 or a subreaper: reaps what was left to us by others. */
void reap_orphans(struct crew *crew);

/* tasks.c */

/* Makes the queue, if there are to be task processes. Return: 0 or -errno. */
int tasks_create(struct crew *crew);
void tasks_destroy(struct crew *crew);
/* What one of @slot is born with of it, or a worker. */
void tasks_bequeath(const struct crew *crew, const struct slot *slot, struct heritage *heritage);
/* Starts those that are not there; tells workers whether there will be any; ends them behind the last worker. */
void tasks_settle(struct crew *crew);
/* The pool ends at once: so do they. */
void tasks_hurry(struct crew *crew);
/* One has gone, and may have been the one that was woken for what waits. */
void tasks_look(struct crew *crew);
/* Aborts those that run for longer than what they run may take. */
void tasks_watch(struct crew *crew);
unsigned tasks_n_queued(const struct crew *crew);

/* hang.c */

/* Once every worker is ready, and when the timeout may have changed; until the pool stops. */
void hang_watch(struct crew *crew);
/* Looks at every worker's heartbeat. */
void hang_look(struct crew *crew);
/* For how long the loop of @child has not turned, which was ready once; 0 = it waits. The board can say anything. */
uint64_t hang_silent_ms(const struct crew *crew, const struct child *child);
/* A SIGCHLD came: some may have been stopped, or go on. */
void hang_note_stops(struct crew *crew);

/* poison.c */

/* A worker faulted in what it was handling, and died or not. */
void poison_note(struct crew *crew, const struct crash_msg *crash);
/* When poison_expire() has work; 0 = never. */
uint64_t poison_next_ms(const struct crew *crew);
void poison_expire(struct crew *crew);
/* For how long @suspect is still one; 0 = it is none. */
uint64_t poison_suspected_ms(const struct crew *crew, const struct suspect *suspect);
/* Such requests are answered again. Return: false when place @i is free. */
bool poison_clear(struct crew *crew, unsigned i);
/* Forgets the suspects as well. Return: how many were in quarantine. */
unsigned poison_clear_all(struct crew *crew);

/* obituary.c */
void obituary_init(const struct crew *crew, const struct child *child, struct obituary *ret_obituary);
/* What the child said of its death. */
void obituary_add_crash(struct obituary *o, const struct crash_msg *crash);
/* It was killed by the kernel, for want of memory. */
void obituary_add_memory(struct obituary *o);
/* "died by SIGSEGV at 0x10 after 4.2 s, 17 requests in flight, serving "GET / HTTP/1.1"" */
void obituary_tell(const struct obituary *o, char *out, size_t size);
/* "by SIGSEGV serving "GET / HTTP/1.1"" */
void obituary_tell_briefly(const struct obituary *o, char *out, size_t size);
/* "SIGSEGV at 0x10 serving "GET / HTTP/1.1"" */
void obituary_tell_fault(const struct crash_msg *fault, char *out, size_t size);
/* Of @child, whose death it is. */
enum bulletin_death obituary_cause(const struct obituary *o, const struct child *child);
/* For log_about(): who it was, and why in a word or two, "SIGSEGV"; the cause is valid until the next call. */
struct log_subject obituary_subject(const struct obituary *o);
#define DURATION_TEXT_BYTES 32
/* "250 ms", "4.2 s" */
void duration_format(uint64_t ms, char out[DURATION_TEXT_BYTES]);

/* rollout.c */

/* A slot lost its incumbent or its successor: restart, wait, or give up, and one line that says which. */
void rollout_lose(struct crew *crew, enum role role, const struct obituary *o);
/* From when on the wish of the incumbent of @slot may be granted; 0 = it has none. */
uint64_t rollout_wish_ms(const struct crew *crew, const struct slot *slot);
/* Grants the wish that has waited longest, as far as other replacements under way allow. */
void rollout_grant(struct crew *crew);
/* The incumbent of @slot is ready. */
void rollout_greet(struct crew *crew, struct slot *slot);
/* Every slot has been ready, and the pool is ours: says so, and writes the pid file. */
void rollout_announce(struct crew *crew);

/* scale.c */

/* From now on there are to be @n workers. Return: NULL, or why not. */
const char *scale_to(struct crew *crew, unsigned n);
/* Fills slots that are wanted and empty, has those leave that are not wanted. */
void scale_settle(struct crew *crew);
/* A worker that the pool was scaled up by cannot be kept: goes back to without it. */
void scale_back(struct crew *crew, const struct slot *slot);

/* renew.c */

/* A reload begins: the options are read again. Return: 0, or -errno (one log line) and nothing has changed. */
int renew_begin(struct crew *crew);
/* Every worker got ready with the config in force. */
void renew_keep(struct crew *crew);
/* One did not: the config before is in force again. */
void renew_undo(struct crew *crew);
void renew_finish(struct crew *crew);

/* reload.c */

/* Every worker born so far is to be replaced, one after another, because @who asked. Return: NULL, or why not. */
const char *reload_begin(struct crew *crew, const char *who);
/* How many are still to be replaced. */
unsigned reload_n_left(struct crew *crew);
/* Whether a reload wants @child replaced. */
bool reload_concerns(const struct crew *crew, const struct child *child);
/* A replacement did not get ready: the workers that are left stay. */
void reload_stop(struct crew *crew, const struct obituary *o);
/* Is it done? */
void reload_settle(struct crew *crew);

/* logs.c */

/* Opens the files of the log and of the access log, if there are to be any. Return: 0, or -errno and the log says why. */
int logs_open(struct crew *crew);
void logs_close(struct crew *crew);
/* The files may have been moved away: all of us write to new ones, because @who asked. Return: NULL, or why not. */
const char *logs_reopen(struct crew *crew, const char *who);
/* Tells the workers, and says when all have done it. */
void logs_settle(struct crew *crew);

/* notify.c: nothing happens where no service manager wants to know, nor while the pool is another parent's */

/* Takes its variables out of the environment. Return: 0 or -errno. */
int notify_create(struct crew *crew);
void notify_destroy(struct crew *crew);
/* They are there for a program that is started to take over. */
void notify_lend(const struct crew *crew);
void notify_take_back(const struct crew *crew);
/* The pool is ready, or a reload is over. */
void notify_ready(struct crew *crew);
void notify_reloading(struct crew *crew);
void notify_stopping(struct crew *crew, uint32_t timeout_ms);
/* The parent is @pid from now on. */
void notify_main(struct crew *crew, pid_t pid);
/* When notify_expire() has work; 0 = never. */
uint64_t notify_next_ms(const struct crew *crew);
void notify_expire(struct crew *crew);

/* stop.c */

/* Begins to stop with @exit_code; timeout 0 = at once. */
void stop_begin(struct crew *crew, int exit_code, uint32_t timeout_ms);
/* It stops already: now at once. */
void stop_hurry(struct crew *crew);
/* @who, a signal or the control socket, wants the pool to end; asked again it changes nothing. */
void stop_ask(struct crew *crew, const char *who);
/* The same, at once. */
void stop_ask_now(struct crew *crew, const char *who);
/* When stop_expire() has work; 0 = never. */
uint64_t stop_next_ms(const struct crew *crew);
/* It was not ready for long enough: the drain begins. */
void stop_expire(struct crew *crew);
/* A child ended, or is as good as ended, while the crew stops. */
void stop_count(struct crew *crew, const struct child *child);
bool stop_done(const struct crew *crew);
/* Says how it went. Return: the exit code. */
int stop_verdict(const struct crew *crew);

/* program.c */

/* Where a parent finds the socket of the one that has started it, in the environment. */
#define TAKEOVER_VARIABLE "BROOD_UPGRADE_FD"

const char *program_path(const struct program *program);
/* Starts it anew, with @fd, @mask and our environment. Return: its pid or -errno. */
pid_t program_start(const struct program *program, int fd, const sigset_t *mask);
/* Executes it over ourselves, with @fd, -1 = none; signals stay blocked. Return: -errno. */
int program_execute(const struct program *program, int fd);

/* upgrade.c: the side of the old parent */

/* Starts the new one. Return: NULL, or why not. */
const char *upgrade_begin(struct crew *crew);
bool upgrade_under_way(const struct crew *crew);
/* The new one says something. */
void on_upgrade(struct crew *crew);
/* The new one has ended. */
void on_upgrade_death(struct crew *crew);
/* It took too long. */
void upgrade_expire(struct crew *crew);
/* The pool stops: so does the new one. */
void upgrade_cancel(struct crew *crew);
/* In the interim pool: its parent comes back on @fd, ours from now on, to take over. */
void upgrade_await(struct crew *crew, pid_t pid, int fd);

/* inplace.c */

/* Whether this process has to stay when it is upgraded. */
bool inplace_needed(const struct crew *crew);
/* @other, whom we can take over from on @fd, serves. */
void inplace_begin(struct crew *crew, pid_t other, int fd);
/* The same, for the program we have become: should it fail to start, it is executed again after a moment. */
void inplace_resume(struct crew *crew, pid_t other, int fd);
/* We have taken over. */
void inplace_end(struct crew *crew);
/* Whether the stopped pool must not end yet: there is a program to become, or somebody to wait for. */
bool inplace_holds(const struct crew *crew);
/* Whether there is another pool beside us. */
bool inplace_beside(const struct crew *crew);
/* An end was asked for: it is the other pool's too. Asked for again, it is at once. */
void inplace_stop(struct crew *crew);
/* Return: whether it was the other pool's parent that died. */
bool inplace_note_death(struct crew *crew, const siginfo_t *info);
/* When inplace_expire() has work; 0 = never. */
uint64_t inplace_next_ms(const struct crew *crew);
void inplace_expire(struct crew *crew);

/* takeover.c: the side of the new parent */

/* Once there are slots and an epoll set: takes the slots. Return: 0 or -errno. */
int takeover_begin(struct crew *crew);
/* From then until the pool is ours. */
bool takeover_under_way(const struct crew *crew);
/* The parent from which it was taken over; 0 = there was none. */
pid_t takeover_from(const struct crew *crew);
/* The control socket of the old one, from now on the caller's; -1 = none. */
int takeover_control(struct crew *crew);
/* The pool is ours: it gets as many workers as are wanted. */
void takeover_scale(struct crew *crew);
/* Every slot has been ready. */
void takeover_ready(struct crew *crew);
/* The old one says something. */
void on_takeover(struct crew *crew);

/* intake.c */

/* The epoll set must be there. Return: 0 or -errno. */
int intake_create(struct crew *crew);
/* Return: how many connections were accepted and never reached a worker. */
unsigned intake_destroy(struct crew *crew);
/* What a worker of @slot is born with to take connections from. Return: 0 or -errno. */
int intake_bequeath(struct crew *crew, struct slot *slot, struct heritage *heritage);
/* A worker of @slot could accept: its sockets listen from now on. Return: 0, -EPROTO (one is missing), or -errno. */
int intake_admit(struct crew *crew, const struct slot *slot);
/* The pool before us leaves: what only one of us may do, is ours. */
void intake_release(struct crew *crew);
/* From now on another pool, before us or after us, has the sockets of @addresses too; of the first @n_slots slots. */
void intake_share(struct crew *crew, uint32_t addresses, unsigned n_slots);
/* Mask of the addresses whose sockets of @slot nobody else holds. */
uint32_t intake_alone(const struct crew *crew, const struct slot *slot);
/* The socket of the address @index that is not a slot's own, to be handed on; borrowed. */
int intake_socket(const struct crew *crew, unsigned index);
/* @slot is in another state than @was; it may have gained or lost its reader. */
void intake_on_slot(struct crew *crew, struct slot *slot, enum slot_state was);
void intake_settle(struct crew *crew);
/* There is another number of slots. Return: 0 or -errno. */
int intake_resize(struct crew *crew);
/* A slot is LEAVING or CLOSING from now on. */
void intake_leave(struct crew *crew);
/* When intake_depart() has work; 0 = never. */
uint64_t intake_depart_ms(const struct crew *crew);
/* Raises CLOSED for those that leave and have nothing queued any more. */
void intake_depart(struct crew *crew);
/* The incumbent of @slot has become silent, or goes on: who else takes its connections? */
void intake_on_silence(struct crew *crew, struct slot *slot);
/* When intake_expire() has work; 0 = never. */
uint64_t intake_next_ms(const struct crew *crew);
void intake_expire(struct crew *crew);
/* Before the workers are told to drain. */
void intake_stop(struct crew *crew);

/* custody.c */

/*
 * Listens on @fd. Return: 0 and @fd is owned, -EEXIST, -EPROTO (it cannot listen on that address, or none is
 * expected), or -errno of listen(2).
 */
int custody_take(struct crew *crew, struct slot *slot, uint32_t index, int fd);
/* A listener that served @slot in the pool before us, and its place in the group. Return: as above. */
int custody_inherit(struct crew *crew, struct slot *slot, uint32_t index, int fd, unsigned place);
/* Whether what was inherited makes whole groups. */
bool custody_has_whole_groups(struct crew *crew);
bool custody_complete(const struct crew *crew, const struct slot *slot);
void custody_close(struct slot *slot);
/* From the moment a slot loses its reader, its listeners are orphans. */
void custody_on_slot(struct crew *crew, struct slot *slot, enum slot_state was);
/* Lends what has no reader, takes back what has one again. */
void custody_settle(struct crew *crew);
/* Lends what has no reader, at once. */
void custody_lend_rest(struct crew *crew);
/*
 * Ends the listeners of @slot, which are steered around, at once.
 * @leftovers: something may wait in their queues; the kernel is asked to give it to others.
 */
void custody_end(struct crew *crew, struct slot *slot, bool leftovers);
/* How many connections wait in the queues of @slot. */
unsigned custody_n_queued(const struct slot *slot);

/* store.c */

/* Return: whether it is kept, and owned. @name: of STORED_NAME_BYTES. */
bool store_add(struct slot *slot, const char *name, int fd);
void store_forget(struct slot *slot, const char *name);
void store_clear(struct slot *slot);

/* steer.c */

/* Attaches to each group who gets new connections, if that has changed. */
void steer_settle(struct crew *crew);

/* tally.c */

/* Decides how to balance. Return: 0; or -errno: `least` is wanted and cannot be had, crew->why_not_least says why. */
int tally_create(struct crew *crew);
/* Where the child of @row publishes what it is done with; NULL = nobody wants to know. */
_Atomic uint64_t *tally_settled(const struct crew *crew, unsigned row);
/* That listener of @slot has begun to listen. */
void tally_join(struct crew *crew, struct slot *slot, unsigned index);
/* The pool and its listeners are ours, for the first time or again: those are joined, and everybody is counted anew. */
void tally_come(struct crew *crew);
/* They are to be another pool's. */
void tally_leave(struct crew *crew);
/* When tally_expire() has work; 0 = never. */
uint64_t tally_next_ms(const struct crew *crew);
void tally_expire(struct crew *crew);
/* The program chooses in that group, which is not empty. Return: whether it does. */
bool tally_attach(struct crew *crew, unsigned index);
/* Tells the program who may be chosen. */
void tally_settle(struct crew *crew);
/* Corrects what it counts, where that is not what is there. */
void tally_correct(struct crew *crew);

/* weigh.c */

/* Return: 0 or -errno; nothing under `hash`. The epoll set must be there. */
int weigh_create(struct crew *crew);
/* "hash", "weighted" or "least": what is in force */
const char *weigh_name(const struct crew *crew);
/* A worker has taken a connection while nobody looked. */
void on_arrival(struct crew *crew);
/* There is another number of slots. */
void weigh_resize(struct crew *crew);
/* Looks at the loads, and has changed what has moved. */
void weigh_look(struct crew *crew);

/* publish.c */

/* The epoll set must be there. Return: 0 or -errno; nothing without an admin address. */
int publish_create(struct crew *crew);
/* At the end of a turn: the numbers. */
void publish_settle(struct crew *crew);
/* @child is dead, and its row about to be another's. */
void publish_departure(struct crew *crew, const struct child *child);
/* A worker asks for the status. */
void on_question(struct crew *crew);
/* When publish_expire() has work; 0 = never. */
uint64_t publish_next_ms(const struct crew *crew);
void publish_expire(struct crew *crew);

/* transfer.c */

/* Makes the inbox of @slot, if it has none. Return: 0 or -errno. */
int transfer_open(struct slot *slot);
/* Tells @child, which is to drain, where its idle connections go, if anybody serves on; else it closes them. */
void transfer_name_heir(const struct crew *crew, struct child *child);
/* Our workers' connections are not for another pool any more. */
void transfer_disinherit(struct crew *crew);
/* Nothing more can be given to @slot; what has been is there to be taken. */
void transfer_end(const struct slot *slot);
/* What is left goes to somebody who serves. */
void transfer_close(struct crew *crew, struct slot *slot);
/* Gives what is in the inboxes of orphans to others. */
void transfer_settle(struct crew *crew);
/* The pool stops: nobody gives any more, and what has been given has a reader, if anybody serves. */
void transfer_stop(struct crew *crew);
/* Closes every inbox. Return: how many connections were left in them. */
unsigned transfer_destroy(struct crew *crew);
/* Has the heavy give to the light. */
void transfer_look(struct crew *crew);

/* control.c */

/* The epoll set must be there. Return: 0, or -errno and the log says why: of a socket that was asked for by name. */
int control_create(struct crew *crew);
void control_destroy(struct crew *crew);
/* Its listening socket, to be handed on; borrowed; -1 = none. */
int control_socket(const struct crew *crew);
/* Whether it is the pool's before us, as long as that has not left. */
bool control_is_lent(const struct crew *crew);
/* That pool has left. */
void control_own(struct crew *crew);
/* It is the next pool's from now on; who is being answered still is. */
void control_leave(struct crew *crew);
/* @row, @serial: of the event's tag. */
void on_control(struct crew *crew, unsigned row, uint32_t serial);
/* When control_expire() has work; 0 = never. */
uint64_t control_next_ms(const struct crew *crew);
void control_expire(struct crew *crew);

/* holder.c */

/* Who is where @address wants to be: "nginx (pid 812)"; empty = nobody could be found. Reads all of /proc. */
void holder_find(const struct address *address, char out[HOLDER_TEXT_BYTES]);
/* The process that has the socket open; 0 = none that we may look into. Reads all of /proc. */
pid_t holder_of_socket(unsigned long inode);
/* "nginx (pid 812)" */
void holder_name(pid_t pid, char out[HOLDER_TEXT_BYTES]);

/* stranger.c */

/* A worker is ready: is anybody else in its groups? */
void stranger_look(struct crew *crew);

/* claim.c */

/*
 * Return: a descriptor that holds the claim on @address, -EADDRINUSE (@ret_holder has it), or -ENOTSUP (one log
 * line). Waits for others who start at the same moment, a second at most.
 */
int claim_create(const struct address *address, char ret_holder[HOLDER_TEXT_BYTES]);
/* Closes those that are not -1, and makes them -1. */
void claims_release(int fds[], unsigned n);

/* pidfile.c */

/* Return: 0 or -errno; nothing without --pid-file. */
int pidfile_draft(struct crew *crew);
void pidfile_publish(struct crew *crew);
/* It is the next pool's from now on. */
void pidfile_leave(struct crew *crew);
void pidfile_remove(struct crew *crew);

/* stdio.c */

/* Opens /dev/null for each standard descriptor that is closed, so that nothing else becomes one. */
void stdio_complete(void);
