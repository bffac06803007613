/* SPDX-License-Identifier: MIT */
/*
 * crew - all the parent knows: its slots and its children
 *
 * A child is one process and one row of the board; a slot is a place that one child serves after another.
 * The last child of a slot may live on for a while (leaving) and then belongs to no slot any more.
 *
 * What is done with it, each file with a header of its name:
 *
 *   loop                                  what has happened, and to whom
 *   slot restart rollout scale            who serves where, who follows whom, and how many there are
 *   reload renew stop                     all are replaced, or leave
 *   child spawn message                   one process: born, told, heard
 *   hang reap obituary poison             and its end
 *   tasks                                 the processes that are no workers
 *   intake custody store                  what slots have: listeners, and what programs leave there
 *   steer weigh tally                     which of them get new connections
 *   transfer rebalance                    and old ones
 *   upgrade (with upgrade_answer), takeover (with takeover_ask), testament, program, inplace
 *                                         one parent follows another
 *   post (with box and relayed)           messages of programs
 *   herald notes                          what happens, told to functions of programs
 *   control (with client, command, status) event publish totals
 *                                         what is asked for, and told
 *   logs notify pidfile stdio             what the system around us sees
 *   reserve claim endpoint activation     addresses
 *   holder stranger                       and who else is there
 */
#pragma once

#include "balance/group.h"
#include "balance/least.h"
#include "bridge/board.h"
#include "bridge/bulletin.h"
#include "bridge/config.h"
#include "bridge/stored.h"
#include "parent/datagrams.h"
#include "parent/depart.h"
#include "parent/endpoint.h"
#include "parent/inplace.h"
#include "parent/intake.h"
#include "parent/poison.h"
#include "parent/restart.h"
#include "parent/slot.h"
#include "parent/stop.h"
#include "parent/upgrade.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct acceptor;
struct child;
struct control;
struct herald;
struct notes;
struct notify;
struct post_office;
struct program;
struct renewal;
struct takeover;

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
	double		 load;		/* under `weighted`: what its worker has to do, in connections, usually */
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

struct crew {
	const struct config	*config;	/* in force */
	const struct config	*proven;	/* with which every worker got ready; else as above */
	const struct config	*first;		/* not ours to destroy */
	const struct renewal	*renewal;	/* NULL = the first is the last */
	uint64_t		 now_ms;	/* of this turn of the loop */
	pid_t			 pid;
	uint64_t		 born_ms;
	bool			 reaps;		/* orphans are ours to collect */
	bool			 has_no_pidfds;	/* SIGCHLD tells of ends */
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
	struct datagram_group	 datagrams[LISTENERS_MAX];	/* reuseport: of each address of datagrams */
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
	uint32_t		 shared;	/* mask of the addresses whose sockets another pool
						 * holds as well... */
	unsigned		 n_shared_slots;	/* ...of slots that have their own, of those below this */
	struct acceptor		*acceptor;	/* round-robin */

	uint32_t		 engine;	/* enum brood_engine */
	bool			 engine_settled;	/* by the first READY */
	char			 engine_why[124];	/* why not io_uring; empty when it is */
	bool			 was_ready;	/* every slot, once */

	struct suspect		 suspects[SUSPECTS_MOST];
	struct quarantine	 quarantines[POISON_MOST];	/* the rows of the board's list */
	uint64_t		 wake_ms;	/* when to have a worker look at a shared socket again; 0 = never */
	unsigned		 n_looks;	/* since there was reason */
	unsigned		 looked;	/* the row after that of who was sent last */
	uint64_t		 old_until_ms;	/* how long the pool before us may drain, for us */
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
	bool			 drain_late;	/* a worker had to be killed for its deadline, or because it hung */
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
	struct board_row	*departed;	/* what those have counted that have died */
	uint64_t		 timer_ms;	/* what it is set to; 0 = off */
	struct post_office	*post;
	struct herald		*herald;	/* NULL = brood_on() was not called */
	struct notes		*notes;		/* likewise */
	struct notify		*notify;	/* NULL = no service manager wants to know */
	struct control		*control;	/* NULL = no control socket */
	char			*pid_file_draft;	/* NULL = not there */
	bool			 pid_file_published;
};

#define slot_each(crew, it) \
	for (struct slot *it = (crew)->slots; it < (crew)->slots + (crew)->n_slots; it++)

#define SLOTS_MAX (WORKERS_MAX + TASKS_MAX)

#define task_each(crew, it)					\
	for (struct slot *it = (crew)->slots + WORKERS_MAX;	\
	     it < (crew)->slots + WORKERS_MAX + (crew)->n_tasks; it++)

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

/* crew.c */

int crew_create(const struct config *config, struct crew **ret_crew);
void crew_destroy(struct crew *crew);
/* The restart limits are those of @config from now on. Return: 0 or -ENOMEM; not when they were so before. */
int crew_set_policy(struct crew *crew, const struct config *config);
/* New slots are EMPTY; those that are dropped must be. */
void crew_resize(struct crew *crew, unsigned n_slots);
/* Of a program, its name: nothing else is known of how it waits. */
const char *crew_engine_name(const struct crew *crew);
