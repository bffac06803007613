/* SPDX-License-Identifier: MIT */
/*
 * openloop - the nouns of the client, and what its files do for each other
 *
 * Every time but start_ns counts in nanoseconds from the start of the schedule.
 */
#pragma once

#include "histogram.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#define PATHS_MAX 16
#define PATH_BYTES_MAX 1024
#define PIPELINE_MAX 1024
#define CONNECTIONS_MAX 60000
#define STATUS_MAX 600
#define HELD_BYTES 8192			/* the longest head, and the longest line of a chunked body */
#define WORKERS_MAX 4096

/* ---- options: what the command line asks for */

struct path {
	const char	*text;
	double		 percent;
};

struct options {
	uint16_t	 port;
	double		 rate;		/* requests per second */
	double		 seconds;	/* of the recorded part */
	double		 warm_up;	/* seconds before it */
	uint32_t	 connections;	/* with close: at most so many at a time */
	double		 open_rate;	/* at the start, connections per second; 0: all at once */
	uint32_t	 pipeline;	/* outstanding requests per connection */
	bool		 close;		/* a connection for every request */
	bool		 poisson;
	bool		 by_worker;
	uint32_t	 slow_read;	/* bytes per second and connection; 0: as fast as they come */
	uint32_t	 tick_us;	/* between two sends at least; the rest leaves together */
	double		 timeout;	/* seconds to wait after the last intended send */
	uint64_t	 seed;
	uint32_t	 n_paths;
	struct path	 paths[PATHS_MAX];	/* [0] takes what the others leave */
};

/* Exits with 2 and one line on what is wrong. */
void options_parse(int argc, char **argv, struct options *ret_options);

/* ---- schedule: when which request is to be sent, written before the first one is */

struct request {
	uint64_t	intended_ns;
	uint64_t	sent_ns : 56;
	uint64_t	path : 8;
};

struct schedule {
	struct request	*requests;
	uint64_t	 n;
	uint64_t	 first_recorded;	/* those before it are the warm-up */
	uint64_t	 end_ns;
};

void schedule_init(struct schedule *schedule, const struct options *options);
void schedule_finish(struct schedule *schedule);

/* ---- response: bytes in, a verdict out */

enum verdict { RESPONSE_MORE, RESPONSE_DONE, RESPONSE_BROKEN };

struct response {			/* zeroed: at its first byte */
	uint8_t		stage;
	uint8_t		pid_stage;
	bool		close;		/* the connection ends with it */
	bool		wants_pid;
	uint16_t	status;
	uint32_t	pid;		/* the first one named in the body; 0: none yet */
	uint64_t	left_bytes;	/* of the body or chunk */
};

/*
 * Reads on in @bytes. With RESPONSE_MORE what was not taken is the beginning of a line or head and must
 * come again, with more behind it.
 */
enum verdict response_feed(struct response *response, const char *bytes, size_t n, size_t *ret_taken);

/* Whether the end of the stream completes it. */
bool response_ends_with_stream(const struct response *response);

/* ---- workers: who answered */

struct worker {
	uint32_t	pid;		/* 0: an empty place */
	uint64_t	connections;
	uint64_t	requests;
};

struct workers {
	struct worker	places[WORKERS_MAX];
	uint32_t	n;
	uint64_t	unnamed;	/* answers that named no pid */
};

/* Exits with 1 when there are more than WORKERS_MAX. */
struct worker *workers_find(struct workers *workers, uint32_t pid);

/* ---- record: what is remembered of the requests after the warm-up */

struct record {
	uint64_t		sent;
	uint64_t		answered;
	uint64_t		refused;	/* no connection for it */
	uint64_t		reset;		/* the connection went away first */
	uint64_t		broken;		/* the answer's framing was wrong */
	uint64_t		unanswered;	/* when we gave up waiting */
	uint64_t		late;		/* sent late though nothing but us was in the way */
	uint64_t		capped;		/* had to wait for one of --connections, with --close */
	uint64_t		requeued;	/* sent again, unread by a server that had said close */
	uint64_t		closed_idle;	/* connections that ended with nothing outstanding */
	uint64_t		stray;		/* connections that brought bytes nobody had asked for */
	uint64_t		opened;		/* connections, warm-up included */
	uint64_t		warm_up_failed;
	uint64_t		last_sent_ns;
	uint64_t		statuses[STATUS_MAX];
	struct histogram	latency;	/* from the intended send */
	struct histogram	service;	/* from the actual send, as a closed loop would see it */
	struct histogram	lateness;	/* of sends, or how early; as far as it was our doing */
	struct histogram	wake_up;	/* of the timer */
	struct histogram	paths[PATHS_MAX];
	struct workers		workers;
	struct rusage		before;
	struct rusage		after;
};

/* ---- client */

enum conn_state { CONN_CLOSED, CONN_CONNECTING, CONN_OPEN };

struct conn {
	int		fd;
	enum conn_state	state;
	bool		listed;		/* in client.listed */
	bool		full;		/* the socket takes no more for now */
	bool		waiting;	/* in client.n_waiting */
	bool		counted;	/* in workers[].connections */
	uint32_t	out_bytes;	/* of request next that are already sent */
	uint64_t	first;		/* the oldest request without an answer */
	uint64_t	next;		/* to be sent */
	uint64_t	end;		/* requests from here on are not its own */
	uint64_t	freed_ns;	/* when something other than us stopped being in the way */
	struct response	response;
	uint32_t	n_held;
	char		held[HELD_BYTES];	/* the beginning of a head or line */
};

struct client {
	const struct options	*options;
	struct schedule		 schedule;
	struct { char *bytes; uint32_t n; } texts[PATHS_MAX];
	struct conn		*conns;
	uint32_t		 n_conns;
	uint32_t		 stride;	/* between two requests of one connection */
	struct conn		**listed;	/* to be flushed in this turn */
	uint32_t		 n_listed;
	struct conn		**free;		/* with close: not in use */
	uint32_t		 n_free;
	uint32_t		 n_waiting;	/* connections with something due that cannot leave yet */
	int			 epoll_fd;
	int			 stamp_fd;	/* a socket that keeps the kernel noting arrivals */
	uint64_t		 start_ns;	/* on the monotonic clock */
	uint64_t		 now_ns;
	uint64_t		 epoch_ns;	/* the wall clock at the start */
	uint64_t		 tick_at_ns;	/* no request is sent before it */
	uint64_t		 slow_at_ns;	/* with slow_read: the next piece */
	uint64_t		 due;		/* requests before it may be sent */
	uint64_t		 begun;		/* those before it have a connection */
	uint64_t		 capped;	/* with close: those before it were looked at */
	uint64_t		 resolved;	/* requests answered or given up */
	struct record		*record;
};

uint64_t client_clock(const struct client *client);

static inline bool client_records(const struct client *client, uint64_t i)
{
	return i >= client->schedule.first_recorded;
}

/* conn: from connect() to close() */
int conn_socket(const struct options *options);
void conn_note_waiting(struct client *client, struct conn *conn);
void conn_open(struct client *client, struct conn *conn);
void conn_close(struct client *client, struct conn *conn);
void conn_list(struct client *client, struct conn *conn);
void conn_lose(struct client *client, struct conn *conn);
void conn_refuse(struct client *client, struct conn *conn);
void conn_count_failed(struct client *client, uint64_t i, uint64_t *counter);

static inline uint32_t conn_outstanding(const struct client *client, const struct conn *conn)
{
	return (uint32_t)((conn->next - conn->first) / client->stride);
}

static inline bool conn_has_due(const struct client *client, const struct conn *conn)
{
	return conn->next < client->due && conn->next < conn->end;
}

/* send: what is due, as far as the pipeline and the socket allow */
void send_due(struct client *client, struct conn *conn);

/* receive: at most @most bytes, 0 for all there is; @to_end when the stream is known to end behind them */
void receive_answers(struct client *client, struct conn *conn, size_t most, bool to_end);

/* report: one line of JSON */
void report_print(const struct client *client, uint64_t ended_ns);
