/* SPDX-License-Identifier: MIT */
/*
 * conn.h - one connection from accept to close
 *
 * A connection is a table of states (states.c): what each does with bytes received, with the end of what
 * was to be sent, with the end of the client's side, with a timeout and with the order to drain. An
 * exchange is one request and its response; a connection has at most one under way.
 *
 *   receive.c   bytes in: into the state's function; what is left over is held
 *   request.c   an exchange's life, from its head to its last byte
 *   refuse.c    its end before its time
 *   call.c      into the handler and back, though it may fault there
 *   exchange.c  how it is answered; what services call
 *   output.c    the queue of pieces to send: bytes, bytes of others, files
 *   send.c      the queue goes out, one send under way at a time
 *   measure.c   how long requests take
 *   shed.c      idle connections given away
 *   account.c   what became of a request, for the access log
 *   stream.c    connections that do not speak HTTP
 *   close.c     lingering, shutdown, close after the last completion
 *   table.c     all connections of a worker, their memory, their deadlines
 */
#pragma once

#include "base/histogram.h"
#include "base/list.h"
#include "base/pool.h"
#include "base/span.h"
#include "engine/engine.h"
#include "engine/wheel.h"
#include "http/http.h"

#include "brood.h"

#include <setjmp.h>
#include <stdint.h>

#define CONN_OWNER	1		/* tag.owner of every connection's operations */
#define BLOCK_BYTES	4096
#define OUTPUT_HIGH	(256 * 1024)	/* above it no further request is read, and brood_write() refuses */
#define OUTPUT_LOW	(64 * 1024)	/* below it both go on */
#define HOLD_MOST	(64 * 1024)	/* unread input above this stops receiving */
#define DISCARD_MOST	(256 * 1024)	/* of a body nobody reads; above it the connection is closed instead */
#define LINGER_MOST	(16 * 1024 * 1024)
#define FIELDS_MOST	(4 * 1024)	/* of the field lines a handler adds to a response */

enum conn_state { CONN_IDLE, CONN_HEAD, CONN_BODY, CONN_HANDLING, CONN_STREAM, CONN_SENDING, CONN_LINGERING,
		  CONN_CLOSING };

struct conn_table;
struct hold;

/* ---- output.c: what is to be sent ---- */

struct piece {
	struct piece	*next;
	char		*data;		/* NULL: a file */
	uint32_t	 begin;		/* sent so far */
	uint32_t	 end;
	int		 file_fd;
	uint64_t	 offset;	/* of the file */
	uint64_t	 left;
	void		(*release)(void *arg);	/* of what was borrowed; may be NULL */
	void		*release_arg;
	char		 room[];
};

struct output {
	struct piece	*first;
	struct piece	*last;
	uint64_t	 n_bytes;	/* unsent, files included */
};

/* Room for @n <= BLOCK_BYTES / 2 contiguous bytes at the end; commit with output_commit(). NULL = no memory. */
char *output_reserve(struct conn_table *table, struct output *out, size_t n);
void output_commit(struct output *out, size_t n);
/* Copies. Return: 0 or -ENOMEM, then nothing or a part was taken. */
int output_append(struct conn_table *table, struct output *out, const char *data, size_t n);
/* Borrows until @release(@arg) is called, on failure too. */
int output_append_borrowed(struct conn_table *table, struct output *out, const char *data, size_t n,
			   void (*release)(void *arg), void *arg);
int output_append_file(struct conn_table *table, struct output *out, int file_fd, uint64_t offset,
		       uint64_t n, void (*release)(void *arg), void *arg);
/* Takes @n sent bytes off the front. */
void output_consume(struct conn_table *table, struct output *out, uint64_t n);
void output_clear(struct conn_table *table, struct output *out);

/* ---- the connection ---- */

struct conn {
	struct timer	 timer;
	int		 fd;		/* -1 while free */
	uint32_t	 index;
	uint16_t	 generation;
	uint8_t		 state;		/* enum conn_state */
	bool		 receiving : 1;	/* an OP_RECV is under way */
	bool		 once : 1;	/* it is the single first one */
	bool		 stopping : 1;	/* and was asked to stop */
	bool		 shedding : 1;	/* to be given away when it has */
	bool		 sending : 1;	/* an OP_SEND */
	bool		 awaits_room : 1;	/* an OP_WRITABLE */
	bool		 farewell : 1;	/* the send under way closes the descriptor when all is sent */
	bool		 closed : 1;	/* and has */
	bool		 ended : 1;	/* the client has sent all it will */
	bool		 closing : 1;	/* no further request: close when the output is out */
	bool		 polite : 1;	/* the client asked for the close and sent nothing behind it */
	bool		 dirty : 1;	/* in the table's list of those with output */
	bool		 unsettled : 1;	/* changed since conn_settle() */
	bool		 busy : 1;	/* counted in table.n_busy */
	bool		 served : 1;	/* has had a request */
	bool		 admin : 1;	/* of the admin address: answered by another service, and counted apart */
	uint32_t	 discarded_bytes;	/* while lingering */
	uint32_t	 n_answered;	/* whose answers are not all sent */
	uint64_t	 begun_us;	/* when the first of them was, or the one under way */
	uint32_t	 acked;		/* of the client's acknowledged bytes, when last looked at */
	uint64_t	 heard_ms;	/* when bytes last came */
	uint64_t	 gap_ms;	/* the longest between an answer and the next request */
	uint64_t	 since_ms;	/* when the state was entered */
	uint64_t	 moved_ms;	/* when output last went out, or began to wait */
	uint64_t	 n_requests;	/* begun */
	uint64_t	 old_ms;	/* from when on it is closed as soon as it can be */
	struct brood_request *request;
	struct brood_stream *stream;	/* NULL unless in CONN_STREAM */
	struct hold	*hold;		/* input not yet taken; NULL when none */
	struct output	 output;
	struct conn	*next;		/* of the dirty, or of the free */
};

/*
 * What somebody else does for a request, and ends with it: by its response being complete, by the client leaving,
 * by a fault. Embedded by its owner.
 */
struct companion {
	struct companion *next;
	struct companion **link;	/* what names it; NULL = nothing does */
	/* It is over; the request still is there. @tell: whoever asked may be told. Its owner may free it. */
	void		(*end)(struct companion *companion, bool tell);
};

/* An exchange: the request being answered and its response. The public, opaque type. */
struct brood_request {
	struct conn_table *table;
	struct conn	*conn;
	struct http_body body;
	enum { BODY_NONE, BODY_UNREAD, BODY_READING, BODY_DISCARDED } body_state;
	bool		 followed : 1;	/* more input came with this request */
	bool		 inside : 1;	/* the service is being called with it */
	bool		 continue_due : 1;	/* the client waits for 100 Continue */
	bool		 started : 1;	/* the response's head is in the output */
	bool		 finished : 1;	/* the response is complete */
	bool		 chunked : 1;
	bool		 broken : 1;	/* a part of the body could not be taken: only a reset is honest */
	bool		 bodiless : 1;	/* HEAD, 204, 304: the body is left out */
	bool		 accounted : 1;	/* account.c has told of it */
	uint16_t	 status;	/* of the response, once it has started */
	uint64_t	 left;		/* of the announced length */
	uint64_t	 body_bytes;	/* of the response so far, without framing */
	uint64_t	 begun_us;	/* the turn's, when its head was complete */
	char		*fields;	/* field lines added, a block; NULL when none */
	uint32_t	 n_fields_bytes;
	char		*kept;		/* the head's bytes, once the receive buffer is gone */
	struct companion *companions;
	struct timer	 timer;
	brood_body_fn	*on_body;
	void		*on_body_arg;
	brood_event_fn	*on_writable;
	void		*on_writable_arg;
	brood_event_fn	*on_close;
	void		*on_close_arg;
	brood_event_fn	*on_timer;
	void		*on_timer_arg;
	struct http_head head;		/* last: most of it is usually not touched */
};

/* What streams of one address call. */
struct stream_service {
	const struct brood_stream_events *events;	/* NULL = it is not of streams */
	void	*arg;
};

/* What datagrams of one address call. */
struct datagram_service {
	brood_datagram_fn *fn;		/* NULL = it is not of datagrams */
	void	*arg;
};

/* A connection that is handed to the application as it is. The public, opaque type. */
struct brood_stream {
	struct conn_table *table;
	struct conn	*conn;
	const struct stream_service *service;
	void		*user;
	struct timer	 timer;
	uint32_t	 listener;
	uint32_t	 idle_ms, write_ms;	/* 0 = never */
	uint32_t	 declined;	/* of the held bytes, how many were offered and not taken */
	int		 why;		/* it ends; 0 = in peace */
	bool		 opened : 1;	/* and has been told so */
	bool		 paused : 1;
	bool		 refused : 1;	/* a write: it is to be told when there is room */
	bool		 finishing : 1;	/* our end follows what is unsent */
	bool		 shut : 1;	/* and has */
	bool		 ended : 1;	/* the client's has been told of */
	bool		 closing : 1;	/* as soon as nothing of it is running */
	bool		 broken : 1;	/* no memory for what was to be sent */
	bool		 drain_due : 1;	/* to be told that we leave */
	bool		 drain_told : 1;
};

/* What answers: called in the loop with a request whose head is complete. */
struct service {
	void	(*answer)(struct brood_request *request, void *ctx);
	void	*ctx;
};

/* A request that is over, or as good as: what is left to do is to send. */
struct conn_account {
	const struct conn	*conn;
	const struct http_head	*head;		/* NULL = it could not be read */
	struct span		 line;		/* the request line; or what was sent in its place,
						 * NULL = nothing */
	int			 status;	/* 499 = the connection ended before there was an answer */
	uint64_t		 body_bytes;
	uint64_t		 us;
};

typedef void conn_account_fn(const struct conn_account *account, void *ctx);
/* A connection's first request has begun: who it is can still be asked. */
typedef void conn_meet_fn(const struct conn *c, void *ctx);

/* ---- table.c ---- */

struct conn_limits {
	struct http_limits http;
	uint32_t	header_timeout_ms, body_timeout_ms, idle_timeout_ms, write_timeout_ms, linger_timeout_ms;
	uint32_t	n_conns;	/* at most */
	uint64_t	conn_requests, conn_age_ms;	/* what one connection may have; 0 = any */
};

struct conn_counters {
	uint64_t	accepted, requests, refused, timeouts, cut, faults, given, taken, received, sent, streams;
	uint64_t	responses[6];	/* by the first digit of the status */
};

struct conn_table {
	struct engine	*engine;
	struct wheel	 deadlines;	/* of connections */
	struct wheel	 timers;	/* of requests */
	struct wheel	 stream_timers;
	struct service	 service;
	struct service	 admin_service;
	struct conn_limits limits;
	struct conn_counters counters;
	struct conn_counters admin_counters;
	struct histogram *latency;	/* NULL = nobody wants to know */
	uint64_t	 sent_us;	/* the clock behind the last flush or file */
	struct pool	 blocks;	/* BLOCK_BYTES each: output, held input, fields */
	struct pool	 requests;
	struct pool	 streams;
	unsigned	 n_slabs;
	struct conn	**slabs;
	struct conn	*free;
	struct conn	*dirty;
	unsigned	 n_open;
	unsigned	 n_admin;	/* among them */
	unsigned	 n_streams;	/* in CONN_STREAM */
	unsigned	 n_busy;	/* with a request or output under way */
	bool		 draining;	/* idle connections are closed, the others with their next response */
	bool		 leaving;	/* or all are to be given away */
	uint32_t	 next_shed;	/* where conn_table_shed() looks next */
	int		(*give)(int fd, void *ctx);	/* a connection to somebody else;
							 * takes it unless it fails */
	void		*give_ctx;
	conn_account_fn	*account;	/* told of each request; NULL = nobody wants to know */
	conn_meet_fn	*meet;		/* with .account */
	void		*account_ctx;
	bool		 contain;	/* a fault of the service costs the request it was called with */
	sigjmp_buf	*escape;	/* where to jump to upon one; NULL = it is not the service that runs */
	struct brood_request *current;	/* in the service's hands right now, for the crash report */
	const struct brood_stream *current_stream;	/* likewise */
	uint64_t	 date_ms;	/* on the engine's clock: when .date was last looked at */
	time_t		 date_s;
	char		 date[HTTP_DATE_LEN];
};

int conn_table_init(struct conn_table *table, struct engine *engine, const struct conn_limits *limits,
		    struct service service);
/* Every connection must be closed. */
void conn_table_finish(struct conn_table *table);
/* When a timer is due, for engine_turn(). */
uint64_t conn_table_next_ms(const struct conn_table *table);
/* What has come due, after engine_turn(). */
void conn_table_expire(struct conn_table *table);
/* Sends what the turn produced, one send a connection. Return: was any begun that may be done already? */
bool conn_table_flush(struct conn_table *table);
bool conn_table_full(const struct conn_table *table);
/* Order every connection to leave: idle ones now, the others with their next response. */
void conn_table_drain(struct conn_table *table);
/* The same, but idle ones are kept, to be given away by conn_table_shed(), and responses promise to go on. */
void conn_table_leave(struct conn_table *table);
/* Cut what is left. Return: how many there were. */
unsigned conn_table_cut(struct conn_table *table);
/* The Date of now, HTTP_DATE_LEN bytes. */
const char *conn_table_date(struct conn_table *table);

/* Takes @fd, a connected non-blocking socket, on failure too. Return: 0, -EMFILE (full) or -ENOMEM. */
int conn_open(struct conn_table *table, int fd);
/* The same for a connection that another worker has given away. */
int conn_adopt(struct conn_table *table, int fd);
/* The same for one of the admin address: beyond what the limits allow, a few; @adopted: by another worker. */
int conn_open_admin(struct conn_table *table, int fd, bool adopted);
/* The same as conn_open() for a stream; @service must outlive it. */
int conn_open_stream(struct conn_table *table, int fd, const struct stream_service *service, unsigned listener);
/* A completion whose tag.owner is CONN_OWNER. */
void conn_on_completion(struct conn_table *table, const struct completion *completion);

#define CONNS_A_SLAB 64

static inline struct conn *conn_at(const struct conn_table *table, uint32_t index)
{
	return &table->slabs[index / CONNS_A_SLAB][index % CONNS_A_SLAB];
}

/* Where what @c does is counted. */
static inline struct conn_counters *conn_counters(struct conn_table *table, const struct conn *c)
{
	return c->admin ? &table->admin_counters : &table->counters;
}

struct conn *conn_table_take(struct conn_table *table);
void conn_table_give(struct conn_table *table, struct conn *c);

/* ---- shed.c ---- */

/*
 * Gives up to @n idle connections away, as soon as it is certain that they are. Return: whether there may be more
 * that are.
 */
bool conn_table_shed(struct conn_table *table, unsigned n);
/* A receive has completed with @res and without data. */
void conn_on_stopped(struct conn_table *table, struct conn *c, int res);
/* The answer to its request is complete, and not sent yet: if all connections are to go, this one does behind it. */
void conn_shed_behind_answer(struct conn_table *table, struct conn *c);
/* It is to be given away when its answer is out; nothing is received meanwhile. */
bool conn_shed_awaits_output(const struct conn_table *table, const struct conn *c);
/* Gives it away if that is its turn. Return: whether it is gone. */
bool conn_shed_settle(struct conn_table *table, struct conn *c);

/* ---- states.c: the table ---- */

struct conn_row {
	const char *name;
	void (*on_received)(struct conn_table *table, struct conn *c, struct span *in);
	void (*on_sent)(struct conn_table *table, struct conn *c);
	void (*on_ended)(struct conn_table *table, struct conn *c);
	void (*on_timeout)(struct conn_table *table, struct conn *c);
};

extern const struct conn_row conn_states[];

/* Enters @state and starts its time. */
void conn_enter(struct conn_table *table, struct conn *c, enum conn_state state);
/* After every event: closing, counting as busy, receiving on or off, the deadline. */
void conn_settle(struct conn_table *table, struct conn *c);
void conn_settle_busy(struct conn_table *table, struct conn *c);
void conn_on_timeout(struct conn_table *table, struct conn *c);

/* ---- receive.c ---- */

void conn_on_received(struct conn_table *table, struct conn *c, const struct completion *completion);
/* Goes on with input that was held. */
void conn_resume(struct conn_table *table, struct conn *c);
size_t conn_held_bytes(const struct conn *c);
bool conn_takes_input(const struct conn *c);
void conn_drop_hold(struct conn_table *table, struct conn *c);

/* ---- send.c ---- */

/* There is output: send it at the end of the turn. */
void conn_mark_dirty(struct conn_table *table, struct conn *c);
void conn_send(struct conn_table *table, struct conn *c);
void conn_on_send(struct conn_table *table, struct conn *c, const struct completion *completion);

/* ---- measure.c ---- */

/* A request begins on @c; its answer is complete; all that was to be sent is the kernel's. */
void measure_begin(const struct conn_table *table, struct conn *c);
void measure_answered(struct conn_table *table, struct conn *c);
void measure_sent(struct conn_table *table, struct conn *c);
/* What is sent is sent at once: the clock of the turn is behind. */
void measure_clock(struct conn_table *table);

/* ---- close.c ---- */

/* The output is out and no request follows: leave in the way that suits how we came here. */
void conn_leave(struct conn_table *table, struct conn *c);
/* At once; whatever is unsent is lost. */
void conn_close(struct conn_table *table, struct conn *c);
/* The same with a reset, so that the kernel does not go on delivering to one who does not read. */
void conn_reset(struct conn_table *table, struct conn *c);
/* In CONN_CLOSING: frees the connection when the last operation has completed. */
void conn_try_free(struct conn_table *table, struct conn *c);

/* ---- exchange.c: what services call; as the functions of brood.h, without copies where that matters ---- */

int exchange_set_field(struct brood_request *r, struct span name, struct span value);
int exchange_start(struct brood_request *r, int status, struct span type, uint64_t length);
int exchange_respond(struct brood_request *r, int status, struct span type, struct span body);
/* With field lines that are ready, each ending in CRLF, Content-Type among them. */
int exchange_start_prepared(struct brood_request *r, int status, struct span fields, uint64_t length);
int exchange_respond_prepared(struct brood_request *r, int status, struct span fields, struct span body);
/* A short text that says the status. */
int exchange_respond_status(struct brood_request *r, int status);
int exchange_write(struct brood_request *r, struct span data);
/*
 * Borrowed until @release(@arg), which is called on failure and when the body is left out too. Never
 * -EAGAIN: what is borrowed costs a block, however large it is.
 */
int exchange_write_borrowed(struct brood_request *r, struct span data, void (*release)(void *arg), void *arg);
int exchange_write_file(struct brood_request *r, int file_fd, uint64_t offset, uint64_t len,
			void (*release)(void *arg), void *arg);
int exchange_end(struct brood_request *r);
int exchange_read_body(struct brood_request *r, brood_body_fn *fn, void *arg);
void exchange_set_timer(struct brood_request *r, uint32_t ms, brood_event_fn *fn, void *arg);

/* ---- refuse.c ---- */

/* Of the body of a refusal. */
size_t refusal_bytes(int status, bool bodiless);

/* ---- account.c ---- */

/* If anybody wants to know. */
void account_begin(struct brood_request *r);
/* Tells of @r, unless that was done, with the status of its response. Its head must still be there. */
void account_request(struct brood_request *r);
/* The same with @status, and @body_bytes. */
void account_as(struct brood_request *r, int status, uint64_t body_bytes);
/* Of one that began with @in and was refused before it was one. */
void account_unread(struct conn_table *table, struct conn *c, struct span in, int status, uint64_t body_bytes);

/* ---- call.c ---- */

/*
 * Has @fn run with @r, which then lives at least until it returns. Return: false if it faulted, and was contained.
 */
bool call_outside(struct brood_request *r, brood_event_fn *fn, void *arg);

/* The same with a stream, and @call for @fn. */
typedef void stream_fn(struct brood_stream *s, void *call);
bool call_stream(struct brood_stream *s, stream_fn *fn, void *call);
/* The same with what is no connection. */
bool call_plain(struct conn_table *table, void (*fn)(void *arg), void *arg);

/* ---- stream.c ---- */

/* @c is new. Return: false = no memory. */
bool stream_open(struct conn_table *table, struct conn *c, const struct stream_service *service, unsigned listener);
/* For the states. */

void stream_take(struct conn_table *table, struct conn *c, struct span *in);
void stream_on_sent(struct conn_table *table, struct conn *c);
void stream_on_ended(struct conn_table *table, struct conn *c);
void stream_on_idle(struct conn_table *table, struct conn *c);
/* For who asks what is to be done with it next. */
bool stream_takes_input(const struct conn *c);
/* Whether it makes sense to offer @n held bytes. */
bool stream_wants(const struct brood_stream *s, size_t n);
uint64_t stream_deadline(const struct conn *c);
/* What became due while something was called, or for want of room; the stream may be gone on return. */
void stream_follow_up(struct conn_table *table, struct conn *c);
/* Fewer than OUTPUT_LOW bytes are unsent. */
void stream_on_room(struct conn_table *table, struct conn *c);
void stream_on_timer(struct brood_stream *s);
/* We leave. */
void stream_on_drain(struct conn_table *table, struct conn *c);
/* The connection is closed, whatever is under way: tells the application. */
void stream_abort(struct conn_table *table, struct conn *c);
/* What the public functions do. */
int stream_write(struct brood_stream *s, struct span data);
int stream_end(struct brood_stream *s);
void stream_close(struct brood_stream *s);
void stream_pause(struct brood_stream *s, bool paused);
void stream_set_timer(struct brood_stream *s, uint32_t ms);

/* ---- request.c: an exchange's life; called by the states ---- */

struct brood_request *request_create(struct conn_table *table, struct conn *c);
void request_destroy(struct brood_request *r);
/* Its head is parsed, @rest is the input behind it: hand it to the service. It may be gone on return. */
void request_begin(struct brood_request *r, struct span rest);
/* Takes body bytes off *in. It may be gone on return. */
void request_take_body(struct brood_request *r, struct span *in);
/* Tells the handler of the end of a body that has no bytes (left). */
void request_check_body(struct brood_request *r);
/* What a callback asked for and no event will bring: the end of a body that has none, room that is there. */
void request_follow_up(struct brood_request *r);
/* The response is complete: on to the rest of the body, or to the next request. */
void request_conclude(struct brood_request *r);
/* Calls the handler back, and concludes if that completed the response. */
void request_call(struct brood_request *r, brood_event_fn *fn, void *arg);
/* The client is gone: tells the handler, ends it. */
void request_abort(struct brood_request *r);

/* Ends @companion with @r, unless it is let go before; false: @r is over already. */
bool request_accompany(struct brood_request *r, struct companion *companion);
void request_let_go(struct brood_request *r, struct companion *companion);
void request_end_companions(struct brood_request *r, bool tell);

/* ---- refuse.c: the end of a request before its time; @r is gone on return ---- */

/* Its body is wrong or will never be whole: what has been answered so far still goes out, then the end. */
void request_break_off(struct brood_request *r);
/* Answers a request that cannot be served, and closes behind the answer. Takes @r, which may be NULL. */
void request_refuse(struct conn_table *table, struct conn *c, struct brood_request *r, int status);
/* Its handler faulted: 500, or what suits as far as it has been answered. */
void request_fail(struct brood_request *r);
