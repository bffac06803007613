/* SPDX-License-Identifier: MIT */
/* room.h - what the files of this room share: one worker, and its parts */
#pragma once

#include "base/handshakes.h"
#include "bridge/channel.h"
#include "bridge/handoff.h"
#include "bridge/heritage.h"
#include "conn/conn.h"
#include "engine/engine.h"
#include "message/public.h"
#include "reactor/reactor.h"

#define LISTENERS_HELD_MAX (LISTENERS_MAX * 8)	/* our own and lent ones */
#define ACCEPT_BATCH 64				/* most a turn and listener when told to look without an event */

/* tag.owner; the first two are those of the rooms conn and reactor */
enum owner { OWNER_CONN = CONN_OWNER, OWNER_REACTOR = REACTOR_OWNER, OWNER_LISTENER, OWNER_CHANNEL, OWNER_SIGNAL };

/* Where connections come from, by model. */
enum listener_kind {
	LISTENER_OWN,		/* reuseport: ours, or lent by a sibling */
	LISTENER_SHARED,	/* preemptive: we compete for it */
	LISTENER_QUEUE,		/* round-robin: no socket that listens, but what the parent hands out */
	LISTENER_DATAGRAM,	/* no connections, but datagrams, which we compete for */
	LISTENER_INBOX,		/* what siblings give away */
};

struct listener {
	int		fd;		/* -1 = free */
	enum listener_kind kind;
	unsigned	slot;		/* whose it is: ours, or that of the one who lent it */
	unsigned	index;		/* of the address; LISTENERS_MAX = of none, it is the slot's
					 * queue or inbox */
	uint16_t	generation;
	bool		opened;		/* by us: the parent has no duplicate yet */
	bool		polling;	/* for its next event */
	bool		readable;	/* connections may wait in its queue */
	bool		closing;	/* once the poll has completed */
	uint32_t	n_dropped;	/* by a socket of datagrams, at the last look */
};

struct drain {
	bool		on;
	uint32_t	last;		/* mask of the addresses whose listeners nobody inherits */
	bool		cut;		/* the time is over */
	uint64_t	deadline_ms;
	struct handshakes handshakes;	/* waited for before the listeners are closed */
	unsigned	n_cut;
};

/* When it is enough; 0 = never, but for the age. */
struct recycle {
	uint64_t	requests;
	uint64_t	rss_bytes;
	uint64_t	age_at_ms;	/* ENGINE_NEVER */
	uint64_t	look_ms;	/* at the memory, next */
	int		statm_fd;
};

/* Idle connections on their way to a sibling. */
struct shed {
	int		fd;		/* its inbox; -1 = there is none */
	bool		heir;		/* it takes all when we drain */
	unsigned	n_gifts;	/* that go next; they are no longer of the table */
	int		gifts[HANDOFF_MOST];
	uint64_t	look_ms;	/* at what is idle, and for room, next */
	uint64_t	until_ms;	/* then the rest is drained */
	uint64_t	lost_ms;	/* since when nobody reads the inbox; 0 = it is read */
};

struct datagrams;

/* The access log; NULL = there is none. */
struct access;

struct worker {
	const struct heritage	*heritage;
	const struct config	*config;
	pid_t			 pid;		/* getpid() is another's where a handler has forked */
	struct board_row	*row;
	struct engine		*engine;
	char			 why_not_uring[124];
	struct service		 service;
	struct service		 admin;
	struct stream_service	 streams[LISTENERS_MAX];
	struct datagram_service	 datagram_services[LISTENERS_MAX];
	struct datagrams	*datagrams;	/* NULL = there is no address of them */
	uint64_t		 n_datagrams, n_datagrams_sent, n_datagrams_dropped, n_datagrams_lost;
	struct conn_table	 conns;
	struct reactor		 reactor;
	struct mailbox		 mail;
	struct watch		*mail_watch;
	struct alarm		 mail_again;	/* more waits than a turn may handle */
	struct listener		 listeners[LISTENERS_HELD_MAX];
	uint32_t		 shared;	/* mask of the addresses that another pool serves as well */
	bool			 accept_due;	/* a listener is readable */
	unsigned		 n_taken;	/* in one message, and not opened yet */
	int			 taken[HANDOFF_MOST];
	bool			 taken_over;	/* from siblings: they are not new to the pool */
	unsigned		 n_descriptors;	/* RLIMIT_NOFILE */
	int			 signal_fd;
	struct shed		 shed;
	bool			 retiring;	/* has asked to be replaced */
	bool			 accept_paused;	/* out of descriptors; said once until it recovers */
	uint64_t		 accept_again_ms;
	uint64_t		 n_accept_paused;
	uint64_t		 n_borrowed;	/* connections accepted from lent listeners */
	struct access		*access;
	uint64_t		 n_quarantined;
	struct drain		 drain;
	struct recycle		 recycle;
};

/* listener.c */
/* Binds or inherits every address. Return: 0, or -errno and what failed in @why. */
int listeners_open(struct worker *w, char *why, size_t size);
/* Gives the parent duplicates of what we bound; it listens and says ACCEPT. */
void listeners_offer(struct worker *w);
void listeners_poll(struct worker *w);
/* Takes @fd, on failure too. */
void listener_borrow(struct worker *w, int fd, unsigned slot, unsigned index);
void listener_return(struct worker *w, unsigned slot, unsigned index);
/* Stops accepting and closes once the kernel has let go of it. */
void listener_close(struct worker *w, struct listener *l);
/* Its queue may hold something: accept_step() will see. */
void listener_wake(struct worker *w, struct listener *l);
void listeners_wake(struct worker *w);
/* For its next event, which comes at once when its queue is not empty. */
void listener_wait(struct worker *w, struct listener *l);
void listener_on_poll(struct worker *w, const struct completion *completion);
bool listeners_closed(const struct worker *w);

/* datagram.c */
/* If there is an address of them. Return: 0 or -ENOMEM. */
int datagrams_create(struct worker *w);
/* What was dropped before us is not ours to tell. */
void datagrams_start(struct listener *l);
/* What has come, a few batches at most, and waits for the next. */
void datagrams_receive(struct worker *w, struct listener *l);

/* accept.c */
/* Accepts from every listener whose queue may hold something, a batch each. */
void accept_step(struct worker *w);
/* What waits in the queue of one listener, a batch at most, as far as there is room. */
void accept_all(struct worker *w, struct listener *l);
/* Takes @fd, a connection that a sibling has given away, or that we have and could not. */
void accept_adopt(struct worker *w, int fd);
/* Something is short, @error says what: accepting goes on in a moment. */
void accept_pause(struct worker *w, int error);
/* Whether accept_step() has work without waiting; or when it wants to try again. */
uint64_t accept_next_ms(const struct worker *w);

/* drain.c */
void drain_begin(struct worker *w, uint32_t timeout_ms, uint32_t last);
/* The parent is gone. */
void drain_orphaned(struct worker *w);
/* Whether nobody inherits the listeners of the address @index. */
bool drain_is_last(const struct worker *w, unsigned index);
void drain_step(struct worker *w);
bool drain_complete(const struct worker *w);
uint64_t drain_next_ms(const struct worker *w);

/* recycle.c */
void recycle_init(struct worker *w);
/* Asks to be replaced when a limit is reached. */
void recycle_step(struct worker *w);
uint64_t recycle_next_ms(const struct worker *w);

/* shed.c */
/* Takes @inbox_fd: up to @n idle connections go there; in place of what was asked for before. */
void shed_some(struct worker *w, int inbox_fd, unsigned n);
/* Takes @inbox_fd: when we drain, all go there; from now on, when we drain already. */
void shed_name_heir(struct worker *w, int inbox_fd);
/* From now until @until_ms. Return: false when there is no heir. */
bool shed_all(struct worker *w, uint64_t until_ms);
void shed_hurry(struct worker *w, uint64_t until_ms);
void shed_end(struct worker *w);
void shed_step(struct worker *w);
uint64_t shed_next_ms(const struct worker *w);
/* Cuts what is on its way. Return: how many. */
unsigned shed_cut(struct worker *w);
bool shed_is_connection(int fd);

/* quarantine.c */
/* The service of @w, with the quarantine before it. */
struct service quarantine_before(struct worker *w);

/* access.c */

/* If there is to be an access log. Return: 0 or -ENOMEM. */
int access_create(struct worker *w);
/* Writes the lines that have gathered, when it is time. */
void access_step(struct worker *w);
uint64_t access_next_ms(const struct worker *w);
/* What comes goes to @fd, which stays the caller's; what came before has gone to the file before. */
void access_replace(struct worker *w, int fd);
/* Writes what is left, now or never. Async-signal-safe. */
void access_flush(struct worker *w);
uint64_t access_n_dropped(const struct worker *w);

/* mail.c */
/* Once there is a reactor. Return: 0 or -ENOMEM. */
int mail_open(struct worker *w);
/* What the turn has sent goes. */
void mail_flush(struct worker *w);
/* The last that is sent: the worker leaves. */
void mail_close(struct worker *w);

/* messages.c */
void messages_on_readable(struct worker *w);
/* Waits a moment if the channel is full. */
void message_send(struct worker *w, enum channel_type type, const void *payload, int fd);

/* crash.c */
/* Has a fault reported on the channel before the core is written, or contained; after self_set(). */
void crash_report_on(void);
/* Whether faults of what answers are to be contained: it must be somebody else's code. */
bool crash_contains(const struct config *config);

/* self.c */
/* The worker that brood_slot() and its like speak of, and that a crash is reported of. */
void self_set(struct worker *w);
struct worker *self_get(void);
