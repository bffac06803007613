/* SPDX-License-Identifier: MIT */
/* room.h - what the files of this room share: the keeper of one program, and its parts */
#pragma once

#include "base/handshakes.h"
#include "bridge/channel.h"
#include "bridge/heritage.h"
#include "bridge/stored.h"
#include "message/mailbox.h"

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define NEVER UINT64_MAX

enum phase {
	PHASE_BORN,		/* there is no program yet: its sockets do not listen */
	PHASE_STARTING,		/* it is not ready */
	PHASE_SERVING,
	PHASE_ENDED,		/* it has ended, after having said so; who replaces it is not ready yet */
};

/* What the program writes, until it is a line of the log. */
struct output {
	int		fd;		/* -1 = none, or at its end */
	const char	*name;
	size_t		len;
	char		line[768];	/* longer ones are told in pieces */
};

struct leaving {
	bool			on;
	bool			emptying;	/* the queues that nobody inherits, by the program, unknowing */
	bool			told;		/* it has got its stop signal */
	uint64_t		told_ms;	/* at the latest */
	uint64_t		deadline_ms;
	uint32_t		last;		/* mask of the addresses whose listeners nobody inherits */
	struct handshakes	handshakes;
};

#define FRAME_MOST	(1u << 20)	/* bytes */
#define FRAMES_FDS_MOST	16		/* whose frames are not complete yet */

/* A stream of frames, both ways. */
struct frames {
	int		fd;		/* -1 = it is closed */
	char		*in;
	size_t		n_in, in_room;
	int		fds[FRAMES_FDS_MOST];	/* in the order of their frames */
	unsigned	n_fds;
	char		*out;
	size_t		n_out, n_sent;
	int		out_fd;		/* rides on the byte at... */
	size_t		out_fd_at;
};

/* BROOD_CHANNEL_FD, and the messages that go over it. */
struct talk {
	struct frames	frames;
	int		program_fd;	/* its end; -1 once it has it */
	bool		heard;		/* it has said something, so it wants messages */
	struct mailbox	mail;
};

struct keeper {
	const struct heritage	*heritage;
	const struct config	*config;
	struct board_row	*row;
	uint64_t		 now_ms;
	enum phase		 phase;
	int			 listen_fd[LISTENERS_MAX];
	uint32_t		 shared;	/* mask of the addresses that another pool serves as well */
	int			 signal_fd;
	int			 notify_fd;
	char			 notify_name[108];	/* as in NOTIFY_SOCKET */
	struct output		 output[2];	/* of --stdio log */
	struct talk		 talk;

	pid_t			 pid;		/* the program's main process; 0 = there is none */
	siginfo_t		 end;		/* how it ended */
	uint64_t		 ended_ms;	/* when it did, in PHASE_ENDED */
	bool			 over;		/* nothing is left to do */
	bool			 drained;	/* it ended because it was told to */
	uint32_t		 n_cut;		/* connections */

	uint64_t		 ready_ms;	/* when it is taken to be ready; NEVER */
	uint64_t		 look_ms;	/* whether it listens, next; NEVER */
	unsigned		 backlog[LISTENERS_MAX];	/* it had before the program */
	bool			 retiring;	/* it is to be replaced */
	uint64_t		 ping_ms;	/* its last WATCHDOG=1; 0 = it has never said so,
						 * and is not watched */
	uint64_t		 stopped_ms;	/* by a signal, since then; 0 = it is not */
	uint64_t		 age_at_ms;	/* then it is old enough; NEVER */
	uint64_t		 rss_bytes;	/* that are enough; 0 = off */
	uint64_t		 rss_look_ms;	/* NEVER */
	struct leaving		 leaving;
	bool			 deaf;		/* the channel has ended */
	uint64_t		 status_ms;	/* when the last STATUS= was told */
	unsigned		 n_store_messages;	/* that were sent of its descriptors */
	unsigned		 n_refused;	/* messages of its that were none */
};

/* keeper.c */
/* Waits a moment if the channel is full. */
void keeper_tell(struct keeper *k, enum channel_type type, const void *payload, int fd);
/* The program is to be replaced; the first reason counts. */
void keeper_retire(struct keeper *k, const char *reason);
void keeper_say_ready(struct keeper *k);

/* sockets.c */
/* Return: 0, or -1 and what failed in @why. */
int sockets_open(struct keeper *k, char *why, size_t size);
bool sockets_listen(const struct keeper *k);

/* frames.c */
/* Return: 1, 0 = nothing is there, -EPIPE, -ENOMEM. */
int frames_receive(struct frames *f);
/* The first that is whole, until frames_done(). Return: 1, 0 = none is, -EPROTO. */
int frames_next(struct frames *f, const char **ret_text, size_t *ret_len);
void frames_done(struct frames *f);
/* The descriptor of the first frame that has one; the caller's. */
int frames_take_fd(struct frames *f);
/* Takes @fd, which only one of those that wait has; on failure it is the caller's. Return: 0 or -ENOMEM. */
int frames_put(struct frames *f, const char *text, size_t len, int fd);
/* Return: 1 = all is sent, 0 = there was no room, -EPIPE. */
int frames_flush(struct frames *f);
void frames_close(struct frames *f);

/* talk.c */
/* Return: 0 or -errno. */
int talk_open(struct keeper *k);
/* The program has its end. */
void talk_launched(struct keeper *k);
/* What to wait for. */
void talk_wait(const struct keeper *k, struct pollfd *program, struct pollfd *mail);
void talk_step(struct keeper *k, const struct pollfd *program, const struct pollfd *mail);
/* "suicide" or "disconnect", if it wants to know. */
void talk_tell(struct keeper *k, const char *event);
void talk_close(struct keeper *k);

/* launch.c */
/* Executes the program. Return: 0, or -1 and the reason in one line. */
int launch(struct keeper *k, char *why, size_t size);

/* compose.c */
/* Ended by NULL. Return: NULL = no memory. */
char **compose_arguments(const struct keeper *k);
/* Changes our own. Return: 0, or something else: no memory. */
int compose_environment(const struct keeper *k);

/* hear.c */
/* Makes the socket that NOTIFY_SOCKET names. Return: 0 or -errno. */
int hear_open(struct keeper *k);
/* Handles a bounded number of notices. */
void hear(struct keeper *k);

/* output.c */
/* Return: the end for the program to write to, -1 = it writes where we do; or another -errno. */
int output_open(struct output *output, const char *name);
/* Reads a bounded amount. */
void output_read(struct keeper *k, struct output *output);
/* What is left, and ends. */
void output_finish(struct keeper *k, struct output *output);

/* readiness.c */
void readiness_begin(struct keeper *k);
void readiness_step(struct keeper *k);
uint64_t readiness_next_ms(const struct keeper *k);

/* pulse.c */
void pulse_begin(struct keeper *k);
/* Tells the board whether the program lives; asks for its replacement when a limit is reached. */
void pulse_step(struct keeper *k);
uint64_t pulse_next_ms(const struct keeper *k);

/* leave.c */
void leave_begin(struct keeper *k, uint32_t timeout_ms, uint32_t last);
/* The parent is gone. */
void leave_orphaned(struct keeper *k);
void leave_step(struct keeper *k);
uint64_t leave_next_ms(const struct keeper *k);

/* bury.c */
/* A child of ours, or one that was left to us, has ended, was stopped or goes on. */
void bury_all(struct keeper *k);
void bury_step(struct keeper *k);
uint64_t bury_next_ms(const struct keeper *k);
/* Ends as the program has. Return: the exit code, if it was one. */
int bury_verdict(const struct keeper *k);

/* family.c: the program and all it has started */
#define FAMILY_MOST 1024

struct family {
	unsigned	n;
	pid_t		pid[FAMILY_MOST];
};

/* Those there are now, the program first. */
void family_list(struct family *ret_family);
bool family_has(pid_t pid);
void family_signal(int number);
/* Kills all, and reaps them; bounded. */
void family_end(void);
uint64_t family_rss_bytes(void);
/* How many sockets of these ports (0 = any) that are in one of @states it has open; each once. */
unsigned family_n_sockets(const uint16_t ports[], unsigned n_ports, uint32_t states);
