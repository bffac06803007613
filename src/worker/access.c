/* SPDX-License-Identifier: MIT */
/*
 * access - the access log: a line for each request, off the path of the requests
 *
 * Lines gather in memory and are written at the end of a turn, when there are many or the first is old: whole
 * lines, appended by one write(2) to a file, in pieces that a pipe takes whole (PIPE_BUF) to anything else, so that
 * the lines of several workers do not mix. A worker that faults writes them too; one that is killed takes FLUSH_MS
 * of them along.
 * Nothing waits: what a full pipe does not take is tried again, and what a full disk refuses, or comes when
 * there is no more room, is dropped, counted and said once until it goes again.
 *
 * A client's address is asked of the kernel with its first request and kept beside the connections' slabs, so that
 * without an access log a connection is no larger.
 */
#include "worker/room.h"

#include "base/log.h"
#include "base/write.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define ROOM_BYTES	(128 * 1024)
#define FLUSH_BYTES	(16 * 1024)
#define FLUSH_MS	50
#define AGAIN_MS	20	/* after a pipe was full */

_Static_assert(HTTP_ACCESS_BYTES <= PIPE_BUF, "a line is a piece");
_Static_assert((int)BROOD_ACCESS_COMMON == HTTP_ACCESS_COMMON && (int)BROOD_ACCESS_JSON == HTTP_ACCESS_JSON,
	       "one numbering of the formats");

struct client {
	uint8_t	len;
	char	text[INET6_ADDRSTRLEN + 1];
};

struct access {
	int		fd;
	bool		is_file;
	enum http_access_format format;
	time_t		time_s;		/* of .time */
	size_t		time_len;
	char		time[HTTP_ACCESS_TIME_BYTES];
	struct client	*clients;	/* by the index of their connections */
	uint64_t	due_ms;		/* when what waits is written at the latest... */
	bool		blocked;	/* ...or, because a pipe was full, at the earliest */
	bool		torn;		/* the last line was not written in full */
	bool		failing;	/* said once, until it goes again */
	uint64_t	n_dropped;
	uint64_t	n_told;		/* of those */
	size_t		n_bytes;	/* of lines that wait */
	char		room[ROOM_BYTES];
};

/* ---- writing ---- */

static uint64_t count_lines(const char *at, size_t n)
{
	uint64_t lines = 0;

	for (size_t i = 0; i < n; i++)
		lines += at[i] == '\n';
	return lines;
}

/* How much of what waits goes in one write: all of it, or the lines that fit into a piece. */
static size_t measure_piece(const struct access *a, size_t begin)
{
	size_t n = a->n_bytes - begin;

	if (a->is_file || n <= PIPE_BUF)
		return n;
	n = PIPE_BUF;
	while (a->room[begin + n - 1] != '\n')
		n--;
	return n;
}

/* No file is ever full for a moment only. */
static ssize_t write_file(int fd, const char *at, size_t n)
{
	ssize_t done = write(fd, at, n);

	return done < 0 ? -errno : done;
}

/* A line of which only a part went is ended first, so that it spoils no other. Return: bytes, or -errno. */
static ssize_t write_piece(struct access *a, size_t begin, size_t n)
{
	ssize_t done;

	if (a->torn && write_now(a->fd, "\n", 1) != 1)
		return -ENOSPC;
	a->torn = false;
	done = a->is_file ? write_file(a->fd, a->room + begin, n) : write_now(a->fd, a->room + begin, n);
	if (done > 0)
		a->torn = a->room[begin + (size_t)done - 1] != '\n';
	return done;
}

/* Return: 0 when all was written, or -errno; what was, is no longer there. */
static int write_all(struct access *a)
{
	size_t begin = 0;
	int r = 0;

	while (begin < a->n_bytes && r == 0) {
		size_t n = measure_piece(a, begin);
		ssize_t done = write_piece(a, begin, n);

		if (done < 0) {
			r = (int)done;
			break;
		}
		begin += (size_t)done;
		if ((size_t)done < n)
			r = a->is_file ? -ENOSPC : -EAGAIN;
	}
	a->n_bytes -= begin;
	memmove(a->room, a->room + begin, a->n_bytes);
	return r;
}

static void drop_rest(struct access *a)
{
	a->n_dropped += count_lines(a->room, a->n_bytes);
	a->n_bytes = 0;
}

static void tell(struct worker *w, int error)
{
	struct access *a = w->access;
	const struct log_subject subject = {
		.slot = w->heritage->slot,
		.pid = w->pid,
		.generation = w->heritage->generation,
		.cause = "access log",
	};

	if (error < 0 && !a->failing) {
		a->failing = true;
		log_about(LOG_WARN, &subject, "worker %u (pid %d): access log: %s; lines are dropped", subject.slot,
			  (int)subject.pid, strerror(-error));
	} else if (error == 0 && a->failing) {
		log_about(LOG_INFO, &subject, "worker %u (pid %d): access log: written again; %" PRIu64
			  " lines were dropped", subject.slot, (int)subject.pid, a->n_dropped - a->n_told);
		a->failing = false;
		a->n_told = a->n_dropped;
	}
}

static int flush(struct access *a)
{
	int r = a->n_bytes > 0 ? write_all(a) : 0;

	if (r < 0 && r != -EAGAIN)
		drop_rest(a);
	return r;
}

void access_step(struct worker *w)
{
	struct access *a = w->access;
	int r;

	if (!a || a->n_bytes == 0)
		return;
	if (a->due_ms > w->engine->now_ms && (a->blocked || a->n_bytes < FLUSH_BYTES))
		return;
	r = flush(a);
	a->blocked = r == -EAGAIN;
	if (a->blocked)
		a->due_ms = w->engine->now_ms + AGAIN_MS;
	else
		tell(w, r);
}

uint64_t access_next_ms(const struct worker *w)
{
	return w->access && w->access->n_bytes > 0 ? w->access->due_ms : ENGINE_NEVER;
}

void access_flush(struct worker *w)
{
	if (!w->access)
		return;
	(void)flush(w->access);
	drop_rest(w->access);
}

uint64_t access_n_dropped(const struct worker *w)
{
	return w->access ? w->access->n_dropped : 0;
}

/* ---- a line ---- */

/* Who connects to a UNIX socket has no address: where, as far as there is room. */
static size_t ask_path(int fd, char out[INET6_ADDRSTRLEN + 1])
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(un);

	if (getsockname(fd, (struct sockaddr *)&un, &len) < 0)
		return 0;
	snprintf(out, INET6_ADDRSTRLEN + 1, "unix:%.*s", INET6_ADDRSTRLEN - 6, un.sun_path);
	return strlen(out);
}

static size_t ask_client(int fd, char out[INET6_ADDRSTRLEN + 1])
{
	union {
		struct sockaddr		any;
		struct sockaddr_in	v4;
		struct sockaddr_in6	v6;
		struct sockaddr_un	un;
	} peer = { .any.sa_family = AF_UNSPEC };
	socklen_t len = sizeof(peer);
	const void *host = &peer.v4.sin_addr;
	int family = AF_INET;

	if (getpeername(fd, &peer.any, &len) < 0)
		return 0;
	if (peer.any.sa_family == AF_UNIX)
		return ask_path(fd, out);
	if (peer.any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&peer.v6.sin6_addr)) {
		host = &peer.v6.sin6_addr.s6_addr[12];
	} else if (peer.any.sa_family == AF_INET6) {
		host = &peer.v6.sin6_addr;
		family = AF_INET6;
	} else if (peer.any.sa_family != AF_INET) {
		return 0;
	}
	return inet_ntop(family, host, out, INET6_ADDRSTRLEN) ? strlen(out) : 0;
}

static void on_meet(const struct conn *c, void *ctx)
{
	struct client *client = &((struct worker *)ctx)->access->clients[c->index];

	client->len = (uint8_t)ask_client(c->fd, client->text);
}

static struct span client_of(struct worker *w, const struct conn *c)
{
	const struct client *client = &w->access->clients[c->index];

	if (c->n_requests == 0)
		on_meet(c, w);
	return (struct span){ client->text, client->len };
}

static struct span time_of(struct access *a)
{
	time_t now_s = time(NULL);

	if (now_s != a->time_s) {
		a->time_len = http_access_time(a->time, a->format, now_s);
		a->time_s = now_s;
	}
	return (struct span){ a->time, a->time_len };
}

static bool make_room(struct worker *w)
{
	struct access *a = w->access;

	if (a->n_bytes + HTTP_ACCESS_BYTES > ROOM_BYTES)
		access_step(w);
	return a->n_bytes + HTTP_ACCESS_BYTES <= ROOM_BYTES;
}

static void on_account(const struct conn_account *account, void *ctx)
{
	const struct http_head *head = account->head;
	struct worker *w = ctx;
	struct access *a = w->access;
	struct http_access line;

	if (!make_room(w)) {
		a->n_dropped++;
		tell(w, -EAGAIN);
		return;
	}
	line = (struct http_access){
		.client = client_of(w, account->conn), .time = time_of(a), .line = account->line,
		.status = account->status, .body_bytes = account->body_bytes, .us = account->us,
		.slot = w->heritage->slot,
	};
	if (head && a->format != HTTP_ACCESS_COMMON) {
		line.referer = http_head_field(head, SPAN("referer"));
		line.agent = http_head_field(head, SPAN("user-agent"));
	}
	if (a->n_bytes == 0)
		a->due_ms = w->engine->now_ms + FLUSH_MS;
	a->n_bytes += http_access_render(a->room + a->n_bytes, a->format, &line);
}

/* ---- its life ---- */

static void look_at_file(struct access *a)
{
	struct stat about;

	a->is_file = fstat(a->fd, &about) == 0 && S_ISREG(about.st_mode);
}

int access_create(struct worker *w)
{
	struct access *a;

	if (w->heritage->access_fd < 0)
		return 0;
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	/* taken as it is used */
	a->clients = calloc(w->conns.limits.n_conns + CONNS_A_SLAB, sizeof(*a->clients));
	if (!a->clients) {
		free(a);
		return -ENOMEM;
	}
	a->fd = w->heritage->access_fd;
	a->format = (enum http_access_format)w->config->options.access_log_format;
	look_at_file(a);
	w->access = a;
	w->conns.account = on_account;
	w->conns.meet = on_meet;
	w->conns.account_ctx = w;
	return 0;
}

/* The number stays, so that what is written in a signal's handler is never written elsewhere. */
void access_replace(struct worker *w, int fd)
{
	struct access *a = w->access;

	if (!a)
		return;
	access_flush(w);
	if (dup3(fd, a->fd, O_CLOEXEC) < 0)
		return;
	a->torn = a->failing = false;
	a->blocked = false;
	look_at_file(a);
}
