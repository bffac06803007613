/* SPDX-License-Identifier: MIT */
/*
 * async.h - what a handler may wait for without keeping its worker waiting
 *
 * Each is for a request, and ends with it, or for none. All of it is of one worker's loop, and costs nothing unless
 * used.
 *
 *   async.c    what the others share: the loop, calls in the name of a request
 *   alarm.c    brood_alarm()
 *   process.c  brood_spawn(): a program, its output, its end
 *   file.c     brood_read_file(), brood_write_file()
 *   socket.c   brood_connect()
 *   fetch.c    brood_fetch(): a request to another server
 *   answer.c   what that answers (answer.h)
 *   pool.c     connections to such, kept for the next request
 */
#pragma once

#include "conn/conn.h"
#include "reactor/reactor.h"

/* From now on the functions of brood.h work. */
void async_open(struct reactor *reactor);
/* Whether something is under way that no request waits for. */
bool async_pending(void);

/* ---- async.c, for the others ---- */

/* What is under way; embedded first by its owner. */
struct affair {
	struct companion companion;
	struct brood_request *request;	/* NULL = none */
	bool detached;			/* nobody waits for it, a drain neither */
	/*
	 * Its request is over: lets go of everything. @tell: the owner's callback is to be called, by
	 * affair_tell_over().
	 */
	void (*cancel)(struct affair *affair, bool tell);
};

/* NULL = this is no worker. */
struct reactor *async_reactor(void);
/* Return: 0, or -EPIPE: the request is over. */
int affair_begin(struct affair *affair, struct brood_request *request,
		 void (*cancel)(struct affair *affair, bool tell));
/* It does not depend on its request any more. */
void affair_end(struct affair *affair);
void affair_detach(struct affair *affair);
/* Calls @fn as a callback of @request; NULL is fine. */
void affair_call(struct brood_request *request, brood_event_fn *fn, void *arg);

/* ---- socket.c ---- */

/* A drain does not wait for it. It must be of no request. */
void socket_detach(struct brood_socket *s);

/* ---- pool.c ---- */

#define LINK_ADDRESS_BYTES 128

/* A connection to a server, in use by a fetch or kept idle. */
struct link {
	struct list	 list;		/* of the idle; unlinked while in use */
	struct brood_socket *socket;
	struct alarm	 stale;		/* idle for too long */
	struct fetch	*fetch;		/* whose answer it brings; NULL = idle */
	char		 address[LINK_ADDRESS_BYTES];
};

/* *ret_reused: it was idle. Return: 0 or -errno. */
int link_take(const char *address, uint32_t timeout_ms, bool fresh, struct fetch *fetch, struct link **ret_link,
	      bool *ret_reused);
/* Its answer is whole, and nothing follows: it is kept for the next. */
void link_keep(struct link *link);
void link_close(struct link *link);

/* ---- fetch.c, for pool.c ---- */

void fetch_on_data(struct fetch *fetch, const char *data, size_t len);
/* Its link is gone on return. @error: 0 = the server has ended. */
void fetch_on_close(struct fetch *fetch, int error);
